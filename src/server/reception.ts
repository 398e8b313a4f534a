import { isThenable } from '../callback-answer.js';
import { arrivalLine } from '../inspect/arrival-line.js';
import type { LogSelectors } from '../inspect/log-fields.js';
import { type ReceivedOptions, receivedHeader } from '../inspect/received.js';
import { refusal, returnedRefusal } from '../net/handler-answer.js';
import type { BodyDecoder } from '../smtp/body-decoder.js';
import { DataDecoder } from '../smtp/data-decoder.js';
import { NormalizingDecoder } from '../smtp/normalizing-decoder.js';
import { isAscii } from '../smtp/path.js';
import type { Reply } from '../smtp/reply.js';
import type { Intake, OpenMessage } from './intake.js';
import type { Limits } from './limits.js';
import { type Envelope, MessageIncompleteError } from './message.js';
import { MessageQueue, type MessageSource } from './message-queue.js';
import { replies } from './replies.js';
import type { VerbContext } from './verbs.js';

/** What is read of a message beyond twice the limit: a small limit must not turn a reply into a cut connection. */
const GRACE_OCTETS = 1024 * 1024;

/** Octets beyond which no message and no chunk is read to its end, only to be refused there. */
export function mostOctetsRead({ maxMessageBytes }: Limits): number {
  return 2 * maxMessageBytes + GRACE_OCTETS;
}

/** What a session hears of the message that it takes in. */
export interface ReceptionEvents {
  /** The application has taken what was held for it: the client may send again. */
  caughtUp(): void;
  /** The reply, where {@link MessageReception.end} had none yet. */
  answered(reply: Reply): void;
}

/** The message behind a 354 (RFC 5321 §4.1.1.4). */
export function beginData(context: VerbContext, events: ReceptionEvents): MessageReception {
  const decoder = context.bareNewlines === 'normalize' ? new NormalizingDecoder() : new DataDecoder();
  return new MessageReception(context, decoder, events);
}

/** Takes in one message: from the 354 to the reply behind its final dot, or through its chunks to that behind the last. */
export class MessageReception implements MessageSource, OpenMessage {
  readonly #context: VerbContext;
  readonly #envelope: Envelope;
  readonly #events: ReceptionEvents;
  #decoder: BodyDecoder;
  readonly #message: MessageQueue;
  #octets = 0;
  /** The body is refused: too large, or with bare newlines. Stronger than what the handler says. */
  #refused: Reply | null = null;
  /** What the handler has said. */
  #answer: Reply | null = null;
  /** The end of data was seen. When the handler has answered too, the transaction is over. */
  #ended = false;
  /** The last chunk has no reply yet: there was no room behind it. */
  #chunkWaits = false;

  /** @param decoder - of the body, or of its first chunk */
  constructor(context: VerbContext, decoder: BodyDecoder, events: ReceptionEvents) {
    const { envelope } = context.conversation;
    if (envelope === null) throw new TypeError('354 was said without a transaction');
    this.#context = context;
    this.#envelope = envelope;
    this.#decoder = decoder;
    this.#events = events;
    context.conversation.message = this;
    this.#message = new MessageQueue(envelope, this);
    this.#consult();
  }

  get octets(): number {
    return this.#octets;
  }

  resume(): void {
    if (this.#chunkWaits) queueMicrotask(() => this.#answerChunk()); // not now: more octets would come in the middle of a read
    this.#events.caughtUp();
  }

  next(decoder: BodyDecoder): Intake {
    this.#decoder = decoder;
    return this;
  }

  receivedHeader(options?: ReceivedOptions): string {
    const { conversation, hostname } = this.#context;
    const [only, ...others] = this.#envelope.rcptTo;
    // A header is in ASCII; the clause is optional (RFC 5321 §4.4), and no clause is better than a wrong address.
    const told = only !== undefined && others.length === 0 && isAscii(only.address) ? only.address : null;
    const reception = {
      heloName: conversation.helo ?? '',
      hostname,
      transmissionType: conversation.transmissionType,
      id: conversation.id,
      date: new Date(),
      ...(conversation.peer.address !== undefined && { peerAddress: conversation.peer.address }),
      ...(conversation.tls !== null && { tls: conversation.tls }),
      ...(told !== null && { recipient: told }),
    };
    return receivedHeader(reception, options);
  }

  logLine(selectors?: LogSelectors): string {
    const { helo, peer, tls, user, method, transmissionType } = this.#context.conversation;
    const arrival = {
      sender: this.#envelope.mailFrom.address,
      heloName: helo ?? '',
      transmissionType,
      octets: this.#octets,
      ...(peer.address !== undefined && { peerAddress: peer.address }),
      ...(tls !== null && { tls }),
      ...(user !== null && method !== null && { authenticated: { method, user } }),
    };
    return arrivalLine(arrival, selectors);
  }

  get full(): boolean {
    return this.#message.full;
  }

  get endless(): boolean {
    return this.#octets > mostOctetsRead(this.#context.limits);
  }

  read(chunk: Buffer): number {
    const end = this.#decoder.decode(chunk, 0, this.#take);
    this.#judge();
    return end;
  }

  end(): Reply | null {
    if (!this.#decoder.whole) return this.#endOfChunk();
    this.#ended = true;
    if (this.#refused === null) this.#message.finish();
    const reply = this.#refused ?? this.#answer;
    if (reply !== null) this.#leaveTransaction();
    return reply;
  }

  /** The transaction ended before the reply: nothing of the message may be kept (RFC 5321 §4.1.1.4). */
  abort(what: string): void {
    const where = this.#ended ? 'before the message was answered' : 'inside a message';
    this.#message.fail(new MessageIncompleteError(`${what} ${where}`));
  }

  /** The reply is known, and with it the transaction is over; the message is no part of it any more that could be aborted. */
  #leaveTransaction(): void {
    const { conversation } = this.#context;
    conversation.message = null;
    conversation.reset();
  }

  /**
   * A handler that has refused is heard at once, and with it the transaction is over: no later chunk may be taken for the
   * message. Where the handler is slow the 250 waits: chunks, small as they may be, must not pile up.
   */
  #endOfChunk(): Reply | null {
    if (this.#answer !== null && this.#answer.code >= 400) {
      this.#leaveTransaction();
      return this.#answer;
    }
    this.#chunkWaits = this.#message.full;
    return this.#chunkWaits ? null : replies.chunkOk;
  }

  #answerChunk(): void {
    const reply = this.#endOfChunk();
    if (reply !== null) this.#events.answered(reply);
  }

  /** One promise for a message is enough: whoever waits for the answer is called. */
  #consult(): void {
    const { handlers, conversation } = this.#context;
    try {
      const value = handlers.onMessage?.(this.#message, conversation);
      if (!isThenable(value)) return this.#leave(this.#settled(value));
      Promise.resolve(value).then(
        (answer) => this.#leave(this.#settled(answer)),
        (thrown) => this.#leave(this.#refusal(thrown)),
      );
    } catch (thrown) {
      this.#leave(this.#refusal(thrown));
    }
  }

  #settled(value: unknown): Reply {
    return returnedRefusal('onMessage', value, this.#context.report) ?? accepted(value);
  }

  #refusal(thrown: unknown): Reply {
    return refusal('onMessage', thrown, (error) => {
      // A reader that passes on why the message broke off has not failed.
      if (!(thrown instanceof MessageIncompleteError)) this.#context.report(error);
    });
  }

  /** The handler is done: what it leaves unread is dropped. Where it refused, a `bytes()` that it left behind ends too. */
  #leave(reply: Reply): void {
    this.#answer = reply;
    if (reply.code >= 300) this.#message.fail(new MessageIncompleteError('the handler refused the message'));
    this.#message.drop();
    if (!this.#ended || this.#refused !== null) return;
    this.#leaveTransaction();
    this.#events.answered(reply);
  }

  /** A refused body is read to its end all the same: only there can the reply be said (RFC 5321 §4.5.2). */
  #judge(): void {
    if (this.#refused !== null) return;
    if (this.#octets > this.#context.limits.maxMessageBytes) this.#refused = replies.tooLarge;
    else if (this.#decoder.bareNewline) this.#refused = replies.bareNewlines;
    if (this.#refused !== null) this.#message.fail(new MessageIncompleteError(this.#refused.lines[0] ?? 'refused'));
  }

  readonly #take = (slice: Buffer): void => {
    this.#octets += slice.length;
    if (this.#refused === null) this.#message.push(slice);
  };
}

/** A string that the handler returned is the text of the 250. */
function accepted(value: unknown): Reply {
  return typeof value === 'string' && value !== ''
    ? { code: 250, enhanced: '2.0.0', lines: [value] }
    : replies.messageOk;
}
