import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { HandlerFailedError, HandlerTimeoutError, OutOfOrderError } from '../../../src/net/starttls-errors.js';
import { Conversation } from '../../../src/server/conversation.js';
import type { SmtpServerEvents } from '../../../src/server/events.js';
import { Operator } from '../../../src/server/operator.js';

const SESSION = new Conversation('id', {});

/** What Node would print. */
function printed(context: TestContext): unknown[][] {
  const warnings: unknown[][] = [];
  context.mock.method(process, 'emitWarning', (...parts: unknown[]) => void warnings.push(parts));
  return warnings;
}

describe('Operator', () => {
  it('tells those who listen each time, with error and session', (context) => {
    const warnings = printed(context);
    const server = new EventEmitter<SmtpServerEvents>();
    const heard: unknown[][] = [];
    server.on('warning', (...parts) => void heard.push(parts));
    const operator = new Operator(server);
    const error = new HandlerFailedError('onMailFrom', 'secret');
    operator.warnOf(error, SESSION);
    operator.warnOf(error, SESSION);
    operator.warnOnce('that goes on');
    operator.warnOnce('that goes on');
    const once = ['that goes on', undefined, undefined];
    assert.deepEqual(heard, [[error.message, error, SESSION], [error.message, error, SESSION], once]);
    assert.deepEqual(warnings, []);
  });

  it('has Node print the first of each kind where nobody listens, and nothing of what a handler threw', (context) => {
    const warnings = printed(context);
    const operator = new Operator(new EventEmitter<SmtpServerEvents>());
    for (const cause of ['secret', 'another']) operator.warnOf(new HandlerFailedError('onMailFrom', cause), SESSION);
    operator.warn('something else');
    operator.warnOnce('something else');
    assert.deepEqual(warnings, [
      [
        'onMailFrom failed with something other than a rejection',
        {
          type: 'TlsSmtpWarning',
          code: 'ERR_TLS_SMTP_HANDLER_FAILED',
          detail: "server.on('warning', (message, error) => …) gets the reason as error.cause",
        },
      ],
      ['something else', { type: 'TlsSmtpWarning' }],
    ]);
  });

  it('tells a failed upgrade as tlsError, unless a handler is what failed', () => {
    const server = new EventEmitter<SmtpServerEvents>();
    const heard: unknown[][] = [];
    server.on('warning', (_message, error) => void heard.push(['warning', error]));
    server.on('tlsError', (error, session) => void heard.push(['tlsError', error, session]));
    const operator = new Operator(server);
    const errors = [
      new OutOfOrderError('x'),
      new HandlerFailedError('onStartTls', 'x'),
      new HandlerTimeoutError('onStartTls', 5),
    ] as const;
    for (const error of errors) operator.upgradeFailed(error, SESSION);
    assert.deepEqual(heard, [
      ['tlsError', errors[0], SESSION],
      ['warning', errors[1]],
      ['warning', errors[2]],
    ]);
  });
});
