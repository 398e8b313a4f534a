import { type ReceivedOptions, receivedHeader } from '../inspect/received.js';
import { DataDecoder } from '../smtp/data-decoder.js';
import type { Reply } from '../smtp/reply.js';
import { consult } from './handlers.js';
import { type Envelope, MessageIncompleteError, MessageQueue, type MessageSource } from './message.js';
import { replies } from './replies.js';
import type { VerbContext } from './verbs.js';

/** What is read of a message beyond twice the limit: a small limit must not turn a reply into a cut connection. */
const GRACE_OCTETS = 1024 * 1024;

/** Takes in one message: from the 354 to the reply behind its final dot. */
export class MessageReception implements MessageSource {
  readonly #context: VerbContext;
  readonly #envelope: Envelope;
  readonly #flow: () => void;
  readonly #decoder = new DataDecoder();
  readonly #message: MessageQueue;
  readonly #handled: Reply | Promise<Reply>;
  #octets = 0;
  #refused: Reply | null = null;
  /** The end of data was seen, or the handler is done; when it is both, the transaction is over. */
  #ended = false;
  #left = false;

  /** @param flow - called when the application has caught up and the client may send again */
  constructor(context: VerbContext, flow: () => void) {
    const { conversation, handlers } = context;
    const { envelope } = conversation;
    if (envelope === null) throw new TypeError('354 was said without a transaction');
    this.#context = context;
    this.#envelope = envelope;
    this.#flow = flow;
    this.#message = new MessageQueue(envelope, this);
    const handled = consult(
      'onMessage',
      () => handlers.onMessage?.(this.#message, conversation),
      accepted,
      (error) => {
        // A reader that passes on why the message broke off has not failed.
        if (!(error.cause instanceof MessageIncompleteError)) context.report(error);
      },
    );
    this.#handled = handled instanceof Promise ? handled.then((reply) => this.#leave(reply)) : this.#leave(handled);
  }

  resume(): void {
    this.#flow();
  }

  receivedHeader(options?: ReceivedOptions): string {
    const { conversation, hostname } = this.#context;
    const [only, ...others] = this.#envelope.rcptTo;
    const reception = {
      heloName: conversation.helo ?? '',
      hostname,
      transmissionType: conversation.transmissionType,
      id: conversation.id,
      date: new Date(),
      ...(conversation.peer.address !== undefined && { peerAddress: conversation.peer.address }),
      ...(conversation.tls !== null && { tls: conversation.tls }),
      ...(only !== undefined && others.length === 0 && { recipient: only.address }),
    };
    return receivedHeader(reception, options);
  }

  /** Whether the client should be held back. */
  get full(): boolean {
    return this.#message.full;
  }

  /** A message that is refused for its size is read to its end all the same, but not for ever. */
  get endless(): boolean {
    return this.#octets > 2 * this.#context.limits.maxMessageBytes + GRACE_OCTETS;
  }

  /** @returns the index behind the end of the message; -1 where it goes on */
  read(chunk: Buffer): number {
    const end = this.#decoder.decode(chunk, 0, this.#take);
    this.#judge();
    return end;
  }

  /** The end of data was seen: the reply to it. With that reply the transaction is over. */
  verdict(): Reply | Promise<Reply> {
    this.#ended = true;
    if (this.#refused === null) this.#message.finish();
    if (this.#refused !== null || this.#left) this.#context.conversation.reset();
    return this.#refused ?? this.#handled;
  }

  /** The connection ended inside the message: nothing of it may be kept (RFC 5321 §4.1.1.4). */
  abort(reason: string): void {
    this.#message.fail(new MessageIncompleteError(reason));
  }

  /** The handler is done: what it leaves unread is dropped. */
  #leave(reply: Reply): Reply {
    this.#left = true;
    this.#message.drop();
    if (this.#ended && this.#refused === null) this.#context.conversation.reset();
    return reply;
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
