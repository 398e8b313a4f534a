import { TlsSmtpError } from '../errors.js';

/** `listen()` or `accept()` after `close()`. */
export class ServerClosedError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_SERVER_CLOSED' as const;
  readonly phase = 'configuration' as const;
  readonly fault = 'caller' as const;
  readonly temporary = false;

  constructor() {
    super('the server is closed; make a new one');
  }
}
