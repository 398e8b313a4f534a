import type { EventEmitter } from 'node:events';
import type { TlsSmtpError } from '../errors.js';
import { HandlerFailedError, HandlerTimeoutError } from '../net/starttls-errors.js';
import { tell } from '../tell.js';
import type { SmtpSession } from './conversation.js';
import type { SmtpServerEvents } from './events.js';

/** What a handler threw may hold secrets: it is for those who ask. */
const CAUSE_IS_TOLD = "server.on('warning', (message, error) => …) gets the reason as error.cause";

/** Whoever runs the server, and hears what goes wrong: by the events of `server`, or else by warnings of the process. */
export class Operator {
  readonly #server: EventEmitter<SmtpServerEvents>;
  /** What was warned of already, where it is said once. */
  readonly #warned = new Set<string>();

  constructor(server: EventEmitter<SmtpServerEvents>) {
    this.#server = server;
  }

  /** Whatever went wrong is never lost: where nobody listens, Node prints the first of each kind. */
  warn(message: string, error?: TlsSmtpError, session?: SmtpSession): void {
    if (this.#server.listenerCount('warning') > 0) {
      tell(() => this.#server.emit('warning', message, error, session));
    } else if (!this.#warned.has(message)) {
      this.#warned.add(message);
      process.emitWarning(message, {
        type: 'TlsSmtpWarning',
        ...(error && { code: error.code }),
        ...(error?.cause !== undefined && { detail: CAUSE_IS_TOLD }),
      });
    }
  }

  /** For what would be said with each client or message. */
  warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.warn(message);
    this.#warned.add(message);
  }

  warnOf(error: TlsSmtpError, session?: SmtpSession): void {
    this.warn(error.message, error, session);
  }

  /** A handler's failure is not about TLS, whoever asked it. */
  upgradeFailed(error: TlsSmtpError, session: SmtpSession): void {
    const ofHandler = error instanceof HandlerFailedError || error instanceof HandlerTimeoutError;
    if (ofHandler) this.warnOf(error, session);
    else tell(() => this.#server.emit('tlsError', error, session));
  }
}
