import { type ErrorCode, TlsSmtpError } from '../../src/index.js';

/**
 * What the public types promise, checked by the build alone: nothing here runs.
 *
 * To add a promise, write a function that uses the API as a caller would. A line that must compile stands by itself. A line
 * that must not compile follows a `@ts-expect-error` that says why: the build fails on the day that it compiles after all.
 */

export function errors(error: TlsSmtpError): ErrorCode {
  // @ts-expect-error the base class is there to be asked for, not to be thrown
  new TlsSmtpError('a text without a code');
  // @ts-expect-error an error does not change after it was thrown
  error.code = 'ERR_TLS_SMTP_TIMEOUT';
  // @ts-expect-error codes are a closed list, so that a misspelt one is found
  if (error.code === 'ERR_TLS_SMTP_TIME_OUT') return error.code;
  return error.code;
}
