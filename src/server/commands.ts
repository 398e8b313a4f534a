import { type Chunk, isBdat, parseChunk } from '../smtp/bdat.js';
import { parseCommand } from '../smtp/command.js';
import { type Line, LineBuffer } from '../smtp/line-buffer.js';
import type { Reply } from '../smtp/reply.js';
import { authResponse } from './auth.js';
import type { Progress } from './progress.js';
import { badLineReply, replies } from './replies.js';
import type { SessionHost } from './session-host.js';
import { bdat, verbs } from './verbs.js';

/** What a line leads to where a reply is not all of it. `upgrade`: to STARTTLS the machine replies, not the dialogue. */
type Effect =
  | { readonly do: 'end'; readonly reply: Reply; readonly reason: string }
  | { readonly do: 'upgrade'; readonly args: string };

/** What a line leads to. A reply is said, and its code says what follows. */
export type Outcome = Reply | Promise<Reply> | Effect;

/** The first octet of a TLS handshake record (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16;

const UNASKED_TLS: Effect = { do: 'end', reply: replies.notSmtp, reason: 'the client began TLS unasked' };
const SHUT_DOWN: Effect = { do: 'end', reply: replies.shutdown, reason: 'the server shut down' };
const TOO_LONG: Effect = { do: 'end', reply: replies.lineTooLong, reason: 'a line was too long' };
const NO_SIZE: Effect = { do: 'end', reply: replies.badChunk, reason: 'a BDAT without a size' };

/** What a session's client has sent, and what each line of it leads to. To do it is the session's part. */
export class Commands {
  readonly #host: Pick<SessionHost, 'context' | 'starttls'>;
  readonly #progress: Progress;
  #lines = new LineBuffer();
  /** A BDAT that has no reply yet: its octets come before anything else. */
  chunk: Chunk | null = null;
  /** Set by onSecure: the next command gets it and the session ends. */
  refusal: Reply | null = null;

  constructor(host: Pick<SessionHost, 'context' | 'starttls'>, progress: Progress) {
    this.#host = host;
    this.#progress = progress;
  }

  /** What is received and not yet read. */
  get lines(): LineBuffer {
    return this.#lines;
  }

  /** Half a line on one side of TLS is no beginning of one on the other (RFC 3207 §4.2). */
  forget(): void {
    this.#lines = new LineBuffer();
  }

  /** Reads and runs the next command. @returns `null`: it is not here yet */
  next(): Outcome | null {
    // TLS where commands are due: no line may ever end, and none that does is the client's own (ALPACA; see FOREIGN in verbs.ts).
    if (this.#lines.startsWith(TLS_HANDSHAKE)) return UNASKED_TLS;
    const line = this.#nextLine();
    return line === null ? null : this.#run(line);
  }

  /** The client's line behind a 334: a response, never a command (RFC 4954 §4). @returns `null`: it is not here yet */
  response(): Outcome | null {
    const { context } = this.#host;
    const line = this.#lines.next(context.limits.maxAuthOctets);
    if (line === null) return null;
    if (line === 'too-long') return TOO_LONG;
    return authResponse(context, this.#refusedEnd(line, 'AUTH') === null ? line.text : null);
  }

  /** AUTH alone may be longer than other commands (RFC 4954 §4). */
  #nextLine(): Line | 'too-long' | null {
    const { auth, limits } = this.#host.context;
    const line = this.#lines.next(limits.maxCommandOctets);
    if (line !== 'too-long' || auth === null || !this.#lines.startsWithWord('AUTH ')) return line;
    return this.#lines.next(limits.maxAuthOctets);
  }

  #run(line: Line | 'too-long'): Outcome {
    const { context, starttls } = this.#host;
    if (this.refusal !== null) {
      return { do: 'end', reply: isQuit(line) ? replies.bye : this.refusal, reason: 'refused by onSecure' };
    }
    if (this.#progress.draining && !context.conversation.inTransaction) return SHUT_DOWN;
    if (line === 'too-long') return TOO_LONG;
    const command = parseCommand(line.text);
    const verb = typeof command === 'string' ? '' : command.verb;
    this.#progress.awaited = verb;
    // Behind a bare LF there is no handshake either: the boundary must never be open to doubt. Octets behind it are one.
    if (typeof command !== 'string' && verb === 'STARTTLS' && (line.end === 'crlf' || this.#lines.unread > 0)) {
      return this.#progress.draining ? SHUT_DOWN : { do: 'upgrade', args: command.args }; // no new upgrade
    }
    const refused = starttls.gate(line.text) ?? this.#refusedEnd(line, verb);
    if (typeof command === 'string') {
      return isBdat(line.text) ? this.#beginChunk('', refused) : (refused ?? badLineReply(command));
    }
    if (verb === 'BDAT') return this.#beginChunk(command.args, refused);
    return refused ?? verbs.get(verb)?.(context, command.args) ?? replies.unknown;
  }

  /** A line that ends in a bare LF is not run (RFC 5321 §2.3.8), unless the application wants it; STARTTLS never is. */
  #refusedEnd({ end }: Line, verb: string): Reply | null {
    if (end === 'crlf') return null;
    return verb === 'STARTTLS' || this.#host.context.bareNewlines === 'reject' ? replies.bareLf : null;
  }

  /** BDAT: whatever is said to it, its octets are read first, and none of them as a command (RFC 3030 §2). */
  #beginChunk(args: string, refused: Reply | null): Outcome {
    const chunk = parseChunk(args);
    if (chunk === null) return NO_SIZE; // no command can be found behind it
    this.chunk = chunk;
    return refused ?? bdat(this.#host.context, chunk);
  }
}

/** RFC 3207 §4.1: where TLS is not good enough all commands are refused, but QUIT is not. */
function isQuit(line: Line | 'too-long'): boolean {
  const command = line === 'too-long' ? 'bad' : parseCommand(line.text);
  return typeof command !== 'string' && command.verb === 'QUIT';
}
