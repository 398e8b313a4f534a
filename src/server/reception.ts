import { receivedHeader } from '../inspect/received.js';
import { DataDecoder } from '../smtp/data-decoder.js';
import type { Reply } from '../smtp/reply.js';
import { consult } from './handlers.js';
import { MessageIncompleteError, MessageQueue } from './message.js';
import { replies } from './replies.js';
import type { VerbContext } from './verbs.js';

/** Takes in one message: from the 354 to the reply behind its final dot. */
export class MessageReception {
  readonly #context: VerbContext;
  readonly #decoder = new DataDecoder();
  readonly #message: MessageQueue;
  readonly #handled: Reply | Promise<Reply>;
  #octets = 0;
  #refused: Reply | null = null;

  /** @param flow - called when the application has caught up and the client may send again */
  constructor(context: VerbContext, flow: () => void) {
    const { conversation, handlers, hostname } = context;
    const { envelope } = conversation;
    if (envelope === null) throw new TypeError('354 was said without a transaction');
    this.#context = context;
    const declared = envelope.mailFrom.parameters['SIZE'];
    this.#message = new MessageQueue(envelope, typeof declared === 'string' ? Number(declared) : null, {
      resume: flow,
      receivedHeader: (options) => {
        const [only, ...others] = envelope.rcptTo;
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
      },
    });
    const handled = consult(
      'onMessage',
      () => handlers.onMessage?.(this.#message, conversation),
      accepted,
      (error) => {
        // A reader that passes on why the message broke off has not failed.
        if (!(error.cause instanceof MessageIncompleteError)) context.report(error);
      },
    );
    if (handled instanceof Promise) this.#handled = handled.then((reply) => this.#leave(reply));
    else this.#handled = this.#leave(handled);
  }

  /** Whether the client should be held back. */
  get full(): boolean {
    return this.#message.full;
  }

  /** @returns the index behind the end of the message; -1 where it goes on */
  read(chunk: Buffer): number {
    const end = this.#decoder.decode(chunk, 0, this.#take);
    this.#judge();
    return end;
  }

  /** The end of data was seen: the reply to it. With that reply the transaction is over. */
  verdict(): Reply | Promise<Reply> {
    if (this.#refused !== null) return this.#over(this.#refused);
    this.#message.finish();
    return this.#handled instanceof Promise
      ? this.#handled.then((reply) => this.#over(reply))
      : this.#over(this.#handled);
  }

  /** The connection ended inside the message: nothing of it may be kept (RFC 5321 §4.1.1.4). */
  abort(reason: string): void {
    this.#message.fail(new MessageIncompleteError(reason));
  }

  /** The handler is done: what it leaves unread is dropped. */
  #leave(reply: Reply): Reply {
    this.#message.drop();
    return reply;
  }

  #over(reply: Reply): Reply {
    this.#context.conversation.reset();
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
