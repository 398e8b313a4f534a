import type { BodyName } from './bodies.js';

/** What a client does to a server. */
export type Load = ConnectionsLoad | MessagesLoad | BannerLoad | IdleLoad;

/** Connect, EHLO, STARTTLS, handshake, EHLO, QUIT; an operation is one connection. */
export interface ConnectionsLoad {
  readonly kind: 'connections';
  readonly resumed: boolean;
  readonly callers: number;
}

/** Messages on kept connections; an operation is one message. */
export interface MessagesLoad {
  readonly kind: 'messages';
  readonly pipelining: Pipelining;
  readonly body: BodyName;
  readonly callers: number;
}

/** Connect and wait for the banner, one after the other, with a pause in between; an operation is one connection. */
export interface BannerLoad {
  readonly kind: 'banner';
}

/** Sessions that say EHLO behind STARTTLS and then nothing; an operation is one session. */
export interface IdleLoad {
  readonly kind: 'idle';
  readonly sessions: number;
}

/**
 * What is sent without waiting: nothing; MAIL, RCPT and DATA together; or the final dot of a message together with
 * MAIL, RCPT and DATA of the next one, which is as far as RFC 2920 §3.1 lets a client go. `chunk`: MAIL, RCPT and the
 * whole message in one BDAT, as Exchange does, and Exim with all but the header (RFC 3030).
 */
export type Pipelining = 'none' | 'envelope' | 'transactions' | 'chunk';
