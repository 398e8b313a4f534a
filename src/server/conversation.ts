import { transmissionType } from '../inspect/received.js';
import type { TlsInfo } from '../inspect/tls-info.js';
import type { Peer } from '../peer.js';
import type { MailAddress } from '../smtp/path.js';
import type { SaslMechanism, SaslState } from '../smtp/sasl.js';
import type { OpenMessage } from './intake.js';
import type { Envelope } from './message.js';

/** One SMTP conversation as handlers see it. Everything but `id` and `peer` starts anew when TLS begins or ends. */
export interface SmtpSession {
  /** Unique in this process; stands in logs and in `Received:`. */
  readonly id: string;
  readonly peer: Peer;
  /** What the client called itself: its claim, printable, up to 255 octets. */
  readonly helo: string | null;
  /** EHLO, not HELO. */
  readonly esmtp: boolean;
  readonly tls: TlsInfo | null;
  /** Who the client is, in the words of `onAuth`; `null` where it has not authenticated. */
  readonly user: string | null;
  /** ESMTP, ESMTPS, ESMTPSA, SMTP … (RFC 3848); UTF8SMTPS … inside a transaction with SMTPUTF8 (RFC 6531 §4.3). */
  readonly transmissionType: string;
  readonly envelope: Envelope | null;
  /** The application's own; emptied when TLS begins, and when it ends. */
  readonly data: Map<unknown, unknown>;
}

/** What a session knows of its client. */
export class Conversation implements SmtpSession {
  readonly id: string;
  readonly peer: Peer;
  helo: string | null = null;
  esmtp = false;
  /** The last EHLO offered STARTTLS: it would be taken now. */
  starttls = false;
  tls: TlsInfo | null = null;
  readonly #rememberEsmtp: boolean;
  user: string | null = null;
  /** How `user` has authenticated. */
  method: SaslMechanism | null = null;
  /** An AUTH that waits for the client's next line. */
  exchange: SaslState | null = null;
  /** A rule said `drop`: the reply on its way is the last. */
  dropped = false;
  /** The message of the transaction, from DATA or the first BDAT on: it shares the transaction's end. */
  message: OpenMessage | null = null;
  #data: Map<unknown, unknown> | null = null;
  #mailFrom: MailAddress | null = null;
  #rcptTo: MailAddress[] = [];

  /** @param rememberEsmtp - HELO and ESMTP outlive STARTTLS (`tls.rememberEsmtp`) */
  constructor(id: string, peer: Peer, rememberEsmtp = false) {
    this.id = id;
    this.peer = peer;
    this.#rememberEsmtp = rememberEsmtp;
  }

  get data(): Map<unknown, unknown> {
    this.#data ??= new Map();
    return this.#data;
  }

  get transmissionType(): string {
    return transmissionType({
      esmtp: this.esmtp,
      tls: this.tls !== null,
      authenticated: this.user !== null,
      utf8: this.utf8,
    });
  }

  /** The transaction under way may hold addresses in Unicode (RFC 6531 §3.4). */
  get utf8(): boolean {
    return this.#mailFrom?.parameters['SMTPUTF8'] === true;
  }

  get envelope(): Envelope | null {
    return this.#mailFrom && { mailFrom: this.#mailFrom, rcptTo: this.#rcptTo };
  }

  /** Between MAIL and the end of its message. */
  get inTransaction(): boolean {
    return this.#mailFrom !== null;
  }

  /** How far the client has come: what is counted against it depends on that. */
  get stage(): 'new' | 'greeted' | 'transaction' {
    if (this.#mailFrom !== null) return 'transaction';
    return this.helo === null ? 'new' : 'greeted';
  }

  get recipients(): number {
    return this.#rcptTo.length;
  }

  greet(name: string, esmtp: boolean, starttls = false): void {
    this.helo = name;
    this.esmtp = esmtp;
    this.starttls = starttls;
    this.reset();
  }

  /** For the rest of the session, a new EHLO or not (RFC 4954 §4). */
  authenticated(method: SaslMechanism, user: string): void {
    this.method = method;
    this.user = user;
  }

  begin(mailFrom: MailAddress): void {
    this.#mailFrom = mailFrom;
    this.#rcptTo = [];
  }

  addRecipient(rcptTo: MailAddress): void {
    if (this.#rcptTo.length === 0)
      this.#rcptTo = [rcptTo]; // an array that grows takes room for 17
    else this.#rcptTo.push(rcptTo);
  }

  /** RSET, EHLO, the end of a message: the transaction is gone (RFC 5321 §4.1.1.5), with the chunks that came in it. */
  reset(what = 'the transaction was ended'): void {
    this.abandon(what);
    this.#mailFrom = null;
    this.#rcptTo = [];
  }

  /** No 250 can be said any more to the message that has come, or part of it. @param what - has ended */
  abandon(what: string): void {
    this.message?.abort(what);
    this.message = null;
  }

  /** RFC 3207 §4.2: the server MUST discard any knowledge obtained from the client before TLS. */
  secured(tls: TlsInfo): void {
    this.#beginAnew(tls, this.#rememberEsmtp);
  }

  /** The client has ended TLS: nothing that it said or was inside it is so in clear. */
  clearAgain(): void {
    this.#beginAnew(null, false);
  }

  #beginAnew(tls: TlsInfo | null, keepsHelo: boolean): void {
    if (!keepsHelo) {
      this.helo = null;
      this.esmtp = false;
    }
    this.tls = tls;
    this.starttls = false;
    this.user = null;
    this.method = null;
    this.exchange = null;
    this.#data?.clear();
    this.reset();
  }
}
