import { TlsSmtpError } from '../errors.js';

/** The peer sent octets behind `STARTTLS` in clear: how commands are injected (CVE-2011-0411). Counted, thrown away. */
export class PlaintextAfterStartTlsError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_PLAINTEXT_AFTER_STARTTLS' as const;
  readonly phase = 'starttls' as const;
  readonly fault = 'peer' as const;
  readonly temporary = false;
  readonly discardedOctets: number;

  constructor(discardedOctets: number) {
    super(
      `the peer sent ${discardedOctets} octets in clear behind STARTTLS; they were discarded and the session closed`,
    );
    this.discardedOctets = discardedOctets;
  }
}

/** As many handshakes are under way as may be at once. */
export class HandshakesBusyError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_CONNECTION_LIMIT' as const;
  readonly phase = 'starttls' as const;
  readonly fault = 'network' as const;
  readonly temporary = true;

  constructor(limit: number) {
    super(`${limit} TLS handshakes are under way already (maxHandshakes)`);
  }
}

/** A callback of the application threw something that is no refusal. Its text is in `cause` and nowhere else. */
export class HandlerFailedError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_HANDLER_FAILED' as const;
  readonly phase = 'session' as const;
  readonly fault = 'caller' as const;
  readonly temporary = true;
  readonly handler: string;

  constructor(handler: string, cause: unknown) {
    super(`${handler} failed with something other than a rejection`, { cause });
    this.handler = handler;
  }
}

/** A callback of the application did not answer in time; what it answers later is ignored. */
export class HandlerTimeoutError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_HANDLER_TIMEOUT' as const;
  readonly phase = 'session' as const;
  readonly fault = 'caller' as const;
  readonly temporary = true;
  readonly handler: string;
  readonly timeoutMs: number;

  constructor(handler: string, timeoutMs: number) {
    super(`${handler} did not answer within ${timeoutMs} ms`);
    this.handler = handler;
    this.timeoutMs = timeoutMs;
  }
}

/** A method was called when it has no meaning: a program error, answered by closing the connection. */
export class OutOfOrderError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_STARTTLS_OUT_OF_ORDER' as const;
  readonly phase = 'starttls' as const;
  readonly fault = 'caller' as const;
  readonly temporary = false;
}
