import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import type { TlsSmtpError } from '../../../src/errors.js';
import type { TlsInfo } from '../../../src/inspect/tls-info.js';
import { type AuthSettings, auth, authResponse, offeredMethods } from '../../../src/server/auth.js';
import type { AuthRequest } from '../../../src/server/auth-request.js';
import { Conversation } from '../../../src/server/conversation.js';
import { type Handlers, settledHandlers } from '../../../src/server/handlers.js';
import { reject } from '../../../src/smtp/rejection.js';
import { formatReply } from '../../../src/smtp/reply.js';
import { SASL_MECHANISMS } from '../../../src/smtp/sasl.js';

type Context = Parameters<typeof auth>[0];

const ALL: AuthSettings = { methods: SASL_MECHANISMS, insecure: false };
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const TIM = base64('\0tim\0hunter2');

function contextWith(
  onAuth: Handlers['onAuth'],
  { tls = 'unverified', settings = ALL as AuthSettings | null, reported = [] as TlsSmtpError[] } = {},
): Context {
  const conversation = new Conversation('id', {});
  if (tls !== 'none') conversation.secured({ certificateVerified: tls === 'verified' } as TlsInfo);
  conversation.greet('me', true);
  const report = (error: TlsSmtpError): void => void reported.push(error);
  return { acl: null, auth: settings, conversation, handlers: settledHandlers({ ...(onAuth && { onAuth }) }), report };
}

/** AUTH with these arguments, then the lines behind its challenges. @returns each reply without its words */
async function said(context: Context, args: string, ...lines: string[]): Promise<string[]> {
  const replies = [await auth(context, args)];
  for (const text of lines) replies.push(await authResponse(context, text));
  return replies.map((reply) =>
    formatReply(reply)
      .replace(/(\d{3} (?:\d\S+)?).*\r\n/, '$1')
      .trim(),
  );
}

const tim = async ({ username, password }: AuthRequest): Promise<unknown> =>
  username === 'tim' && password === 'hunter2' ? { user: 'tim@x.test' } : undefined;

describe('AUTH (RFC 4954 §4)', () => {
  it('takes who the application says the client is', async () => {
    const context = contextWith(tim);
    assert.deepEqual(await said(context, `PLAIN ${TIM}`), ['235 2.7.0']);
    assert.deepEqual([context.conversation.user, context.conversation.method], ['tim@x.test', 'PLAIN']);
    assert.deepEqual(await said(contextWith(tim), 'plain', TIM), ['334', '235 2.7.0']);
    assert.deepEqual(await said(contextWith(tim), 'LOGIN', base64('tim'), base64('hunter2')), [
      '334',
      '334',
      '235 2.7.0',
    ]);
  });

  it('refuses with 535 5.7.8 whom the application does not name, with its words whom it rejects', async () => {
    for (const answer of [undefined, null, false]) {
      const context = contextWith(() => answer);
      assert.deepEqual(await said(context, `PLAIN ${TIM}`), ['535 5.7.8'], String(answer));
      assert.equal(context.conversation.user, null);
    }
    const busy = contextWith(() => {
      throw reject(454, '4.7.0', 'busy');
    });
    assert.deepEqual(await said(busy, `PLAIN ${TIM}`), ['454 4.7.0']);
  });

  it('refuses without asking the application: what is malformed, not base64, cancelled, or acts as another', async () => {
    const run = (args: string, ...lines: string[]): Promise<string[]> => said(contextWith(assert.fail), args, ...lines);
    assert.deepEqual(
      [
        await run('PLAIN ='),
        await run('PLAIN !'),
        await run('PLAIN', '*'),
        await run('LOGIN', '*'),
        await run('LOGIN', base64('tim'), '*'),
        await run(`PLAIN ${base64('root\0tim\0x')}`),
      ],
      [
        ['501 5.5.2'],
        ['501 5.5.2'],
        ['334', '501 5.7.0'],
        ['334', '501 5.7.0'],
        ['334', '334', '501 5.7.0'],
        ['535 5.7.8'],
      ],
    );
  });

  it('has its place: behind EHLO, outside a transaction, once', async () => {
    const early = contextWith(assert.fail);
    early.conversation.helo = null;
    early.conversation.esmtp = false;
    assert.deepEqual(await said(early, `PLAIN ${TIM}`), ['503 5.5.1']);
    early.conversation.greet('me', false); // HELO offers nothing
    assert.deepEqual(await said(early, `PLAIN ${TIM}`), ['503 5.5.1']);
    const inside = contextWith(assert.fail);
    inside.conversation.begin({ address: '', parameters: {} });
    assert.deepEqual(await said(inside, `PLAIN ${TIM}`), ['503 5.5.1']);
    const twice = contextWith(tim);
    assert.deepEqual(
      [...(await said(twice, `PLAIN ${TIM}`)), ...(await said(twice, `PLAIN ${TIM}`))],
      ['235 2.7.0', '503 5.5.1'],
    );
  });

  it('takes a mechanism and at most one response, and only what it knows: 501 5.5.4, 504 5.5.4', async () => {
    const context = contextWith(assert.fail);
    const replies = await Promise.all(
      ['', 'PLAIN  ', 'PLAIN a b', 'GSSAPI', 'CRAM-MD5 =', '__proto__'].map((args) => said(context, args)),
    );
    assert.deepEqual(replies.flat(), [
      ...['501 5.5.4', '501 5.5.4', '501 5.5.4'],
      ...['504 5.5.4', '504 5.5.4', '504 5.5.4'],
    ]);
    const loginOnly = contextWith(assert.fail, { settings: { methods: ['LOGIN'], insecure: false } });
    assert.deepEqual(await said(loginOnly, `PLAIN ${TIM}`), ['504 5.5.4']);
  });

  it('is no command where nobody can authenticate', async () => {
    assert.deepEqual(await said(contextWith(undefined, { settings: null }), 'PLAIN'), ['500 5.5.2']);
  });

  it('gives up an exchange at a line that ends in a bare LF (RFC 5321 §2.3.8)', async () => {
    const context = contextWith(assert.fail);
    await auth(context, 'PLAIN');
    const reply = await authResponse(context, null);
    assert.deepEqual([reply.code, context.conversation.exchange], [500, null]);
  });

  it('answers any arguments and any lines with a reply, and asks the application about no half of a claim', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('PLAIN', 'LOGIN', 'EXTERNAL', '=', '*', '', TIM),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 3 }), fc.array(text, { maxLength: 3 }), async (words, lines) => {
        const context = contextWith(({ username, password }) => void assert.ok(username !== '' && password !== ''), {
          settings: { methods: SASL_MECHANISMS, insecure: true },
        });
        let reply = await auth(context, words.join(' '));
        for (const line of lines) {
          assert.equal(reply.code === 334, context.conversation.exchange !== null);
          if (reply.code === 334) reply = await authResponse(context, line);
        }
        assert.match(formatReply(reply), /^(?:334|50[0134]|535) [\x20-\x7e]*\r\n$/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('AUTH and TLS', () => {
  it('is offered and taken inside TLS alone: 538 5.7.11 in clear, before a password was judged (RFC 4954 §6)', async () => {
    const clear = contextWith(assert.fail, { tls: 'none' });
    assert.deepEqual(offeredMethods(clear), []);
    for (const args of [`PLAIN ${TIM}`, 'PLAIN', 'LOGIN', 'EXTERNAL =']) {
      assert.deepEqual(await said(clear, args), ['538 5.7.11'], args);
    }
    const insecure = contextWith(tim, { tls: 'none', settings: { methods: SASL_MECHANISMS, insecure: true } });
    assert.deepEqual(offeredMethods(insecure), ['PLAIN', 'LOGIN']);
    assert.deepEqual(await said(insecure, `PLAIN ${TIM}`), ['235 2.7.0']);
  });

  it('EXTERNAL is for a certificate that has verified, and for no other (RFC 4422 appendix A)', async () => {
    const asked: unknown[] = [];
    const handler = ({ method, username }: AuthRequest): unknown => {
      asked.push([method, username]);
      return { user: 'by-certificate' };
    };
    for (const tls of ['none', 'unverified']) {
      const context = contextWith(handler, { tls, settings: { methods: SASL_MECHANISMS, insecure: true } });
      assert.ok(!offeredMethods(context).includes('EXTERNAL'), tls);
      assert.deepEqual(await said(context, 'EXTERNAL ='), [tls === 'none' ? '538 5.7.11' : '504 5.5.4']);
    }
    assert.deepEqual(asked, []);
    const verified = contextWith(handler, { tls: 'verified' });
    assert.deepEqual(offeredMethods(verified), SASL_MECHANISMS);
    assert.deepEqual(await said(verified, 'EXTERNAL', ''), ['334', '235 2.7.0']);
    assert.deepEqual(asked, [['EXTERNAL', '']]);
  });
});

describe('a handler that fails', () => {
  it('is a 451 and a report with its name, code and place, and nothing of what it knew', async () => {
    class DirectoryError extends Error {
      override readonly name = 'DirectoryError';
      readonly code = 'ECONNREFUSED';
      readonly request = { headers: { authorization: TIM } };
    }
    const failures: readonly ((request: AuthRequest) => unknown)[] = [
      ({ password }) => {
        throw new DirectoryError(`bind of tim with ${password} failed`);
      },
      async ({ password }) => Promise.reject(password),
      ({ password }) => ({ user: 7, password }),
      ({ password }) => password,
      () => true,
    ];
    const reported: TlsSmtpError[] = [];
    for (const failure of failures) {
      const context = contextWith(failure, { reported });
      assert.deepEqual(await said(context, `PLAIN ${TIM}`), ['451 4.3.0']);
      assert.equal(context.conversation.user, null);
    }
    assert.equal(reported.length, failures.length);
    for (const error of reported) {
      const shown = inspect(error, { depth: 10, showHidden: true });
      assert.ok(!shown.includes('hunter2') && !shown.includes(TIM), shown);
    }
    const cause = reported[0]?.cause as NodeJS.ErrnoException;
    assert.deepEqual([cause.name, cause.code], ['DirectoryError', 'ECONNREFUSED']);
    assert.match(cause.stack ?? '', /^DirectoryError: what onAuth threw is not told[^\n]*\n\s+at .*auth\.test/);
  });
});
