import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import type { AuthRequest, MailAddress, SmtpSession } from '../../src/server/index.js';
import type { RawClient } from '../support/raw-client.js';
import {
  type RunningServer,
  type StartOptions,
  sendMessage,
  startServer,
  testIdentity,
} from '../support/with-server.js';

const { authority } = await testIdentity();
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const TIM = base64('\0tim\0secret');
const onAuth = ({ username, password, certificate }: AuthRequest): unknown =>
  password === 'secret' || certificate !== undefined ? { user: username || 'by certificate' } : null;

/** Inside TLS, greeted again. */
async function secured(running: RunningServer, options?: ConnectionOptions): Promise<RawClient> {
  const client = await running.upgraded(options);
  await client.ask('EHLO client.test');
  return client;
}

const codes = async (client: RawClient, ...lines: string[]): Promise<string[]> => {
  const said: string[] = [];
  for (const line of lines) said.push(/^\d{3}(?: \d\.\d+\.\d+)?/.exec(await client.ask(line))?.[0] ?? '');
  return said;
};

describe('AUTH (RFC 4954)', () => {
  it('[R11, R52, R53, S27] EHLO names the mechanisms of AUTH inside TLS; in clear none, and an attempt is 538 5.7.11', async () => {
    await using running = await startServer({ onAuth });
    await using client = await running.greeted();
    assert.doesNotMatch(await client.ask('EHLO me'), /AUTH/);
    assert.deepEqual(await codes(client, `AUTH PLAIN ${TIM}`, 'AUTH LOGIN'), ['538 5.7.11', '538 5.7.11']);
    await client.starttls(running.trust);
    assert.match(await client.ask('EHLO me'), /^250-AUTH PLAIN LOGIN$/m);
    assert.deepEqual(await codes(client, `AUTH PLAIN ${TIM}`), ['235 2.7.0']);
  });

  it('§4: not before EHLO, not in a transaction, not twice: 503; not by a mechanism that is none: 504', async () => {
    await using running = await startServer({ onAuth });
    await using client = await running.upgraded();
    const auth = `AUTH PLAIN ${TIM}`;
    assert.deepEqual(await codes(client, auth, 'EHLO me', 'AUTH GSSAPI', 'MAIL FROM:<>', auth, 'RSET', auth, auth), [
      '503 5.5.1',
      '250',
      '504 5.5.4',
      '250 2.1.0',
      '503 5.5.1',
      '250 2.0.0',
      '235 2.7.0',
      '503 5.5.1',
    ]);
  });

  it('§4: a challenge is answered or cancelled; what is no base64 is 501 5.5.2', async () => {
    await using running = await startServer({ onAuth });
    await using client = await secured(running);
    assert.deepEqual(await codes(client, 'AUTH PLAIN', '*', 'AUTH PLAIN', 'a=b', 'AUTH PLAIN a=b', 'NOOP'), [
      ...['334', '501 5.7.0', '334', '501 5.5.2', '501 5.5.2', '250 2.0.0'],
    ]);
  });

  it('§4: a client may give up and begin anew; who it is outlives a new EHLO', async () => {
    const users: unknown[] = [];
    const onMailFrom = (_address: MailAddress, { user }: SmtpSession): unknown => users.push(user);
    await using running = await startServer({ onAuth, onMailFrom });
    await using client = await secured(running);
    const wrong = `AUTH PLAIN ${base64('\0tim\0wrong')}`;
    assert.deepEqual(
      await codes(client, wrong, 'MAIL FROM:<>', 'RSET', `AUTH PLAIN ${TIM}`, 'EHLO me', 'MAIL FROM:<>'),
      [...['535 5.7.8', '250 2.1.0', '250 2.0.0', '235 2.7.0', '250', '250 2.1.0']],
    );
    assert.deepEqual(users, [null, 'tim']);
  });

  it('§5: AUTH= of MAIL is read as xtext; of a client that is not authenticated it is as if it were <>', async () => {
    const authors: unknown[] = [];
    const onMailFrom = ({ parameters }: MailAddress): unknown => authors.push(parameters['AUTH']);
    await using running = await startServer({ onAuth, onMailFrom });
    await using client = await secured(running);
    const mail = 'MAIL FROM:<e=mc2@x.test> AUTH=e+3Dmc2@x.test';
    assert.deepEqual(await codes(client, mail, 'RSET', `AUTH PLAIN ${TIM}`, 'MAIL FROM:<a@x.test> AUTH=e+mc2', mail), [
      ...['250 2.1.0', '250 2.0.0', '235 2.7.0', '501 5.5.4', '250 2.1.0'],
    ]);
    assert.deepEqual(authors, ['<>', 'e+3Dmc2@x.test']);
  });

  it('[R8] TLS makes it forgotten who the client was, and MAIL needs a new EHLO', async () => {
    await using running = await startServer({ onAuth, allowInsecureAuth: true });
    await using client = await running.greeted();
    assert.deepEqual(await codes(client, `AUTH PLAIN ${TIM}`), ['235 2.7.0']);
    await client.starttls(running.trust);
    assert.deepEqual(await codes(client, 'MAIL FROM:<>'), ['503 5.5.1']);
    assert.match(await sendMessage(client), /^250 /);
    assert.equal(running.messages[0]?.transmissionType, 'ESMTPS');
    assert.deepEqual(await codes(client, `AUTH PLAIN ${TIM}`), ['235 2.7.0']); // it is not "already authenticated"
  });
});

describe('EXTERNAL (RFC 4422 appendix A)', () => {
  const asking = { tryVerifyHosts: '*', verifyCertificates: authority.ca } as const;

  it('is for a client whose certificate has verified', async () => {
    const asked: unknown[] = [];
    const options: StartOptions = {
      tls: asking,
      onAuth: ({ method, username, certificate }) => {
        asked.push([method, username, certificate?.subject.get('CN')]);
        return { user: 'tim' };
      },
    };
    await using running = await startServer(options);
    const { cert, key } = await authority.issue({ name: 'tim.test', kind: 'client' });
    for (const lines of [['AUTH EXTERNAL ='], ['AUTH EXTERNAL', ''], [`AUTH EXTERNAL ${base64('root')}`]]) {
      await using client = await running.upgraded({ cert, key });
      assert.match(await client.ask('EHLO me'), /^250-AUTH PLAIN LOGIN EXTERNAL$/m);
      assert.equal((await codes(client, ...lines)).at(-1), '235 2.7.0');
    }
    assert.deepEqual(asked, [
      ['EXTERNAL', '', ['tim.test']],
      ['EXTERNAL', '', ['tim.test']],
      ['EXTERNAL', 'root', ['tim.test']],
    ]);
  });

  it('is neither offered nor taken with a certificate of a stranger, an expired one, or none', async () => {
    const stranger = await authority.issue({ name: 'tim.test', kind: 'client', flaw: 'unknown-ca' });
    const expired = await authority.issue({ name: 'tim.test', kind: 'client', flaw: 'expired' });
    await using running = await startServer({ tls: asking, onAuth: assert.fail });
    for (const options of [stranger, expired, {}]) {
      await using client = await running.upgraded(options);
      assert.match(await client.ask('EHLO me'), /^250-AUTH PLAIN LOGIN$/m);
      assert.deepEqual(await codes(client, 'AUTH EXTERNAL ='), ['504 5.5.4']);
    }
  });
});

describe('transmission types', () => {
  /** What `Received:` says of a message sent so. */
  async function keyword({ tls = false, auth = false, hello = 'EHLO', utf8 = false }): Promise<string | undefined> {
    await using running = await startServer({ onAuth, allowInsecureAuth: true });
    await using client = tls ? await running.upgraded() : await running.greeted();
    await client.ask(`${hello} client.test`);
    if (auth) await client.ask(`AUTH PLAIN ${TIM}`);
    const lines = [
      `MAIL FROM:<a@x.test>${utf8 ? ' SMTPUTF8' : ''}`,
      'RCPT TO:<b@y.test>',
      'DATA',
      'Subject: x\r\n\r\nx\r\n.',
    ];
    assert.match((await codes(client, ...lines)).join(), /^250 2\.1\.0,250 2\.1\.5,354,250/);
    return / with (\S+)/.exec(running.messages[0]?.received ?? '')?.[1];
  }

  it('[R42, R43, S03] ESMTP, S with TLS, A with AUTH; HELO has none of its own', async () => {
    assert.deepEqual(
      await Promise.all([
        keyword({}),
        keyword({ tls: true }),
        keyword({ auth: true }),
        keyword({ tls: true, auth: true }),
        keyword({ hello: 'HELO' }),
        keyword({ hello: 'HELO', tls: true }),
      ]),
      ['ESMTP', 'ESMTPS', 'ESMTPA', 'ESMTPSA', 'SMTP', 'SMTP'],
    );
  });

  it('[R41] UTF8SMTP and its forms where SMTPUTF8 was said', async () => {
    assert.deepEqual(
      await Promise.all([
        keyword({ utf8: true }),
        keyword({ utf8: true, tls: true }),
        keyword({ utf8: true, auth: true }),
        keyword({ utf8: true, tls: true, auth: true }),
      ]),
      ['UTF8SMTP', 'UTF8SMTPS', 'UTF8SMTPA', 'UTF8SMTPSA'],
    );
  });
});

describe('SMTPUTF8 (RFC 6531)', () => {
  const utf8 = (line: string): string => Buffer.from(line).toString('latin1');

  it('§3.1: is offered, and 8BITMIME with it', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    const offered = await client.ask('EHLO me');
    assert.match(offered, /^250-SMTPUTF8$/m);
    assert.match(offered, /^250-8BITMIME$/m);
  });

  it('§3.4: the parameter of MAIL has no value; §3.5: an address outside ASCII without it is 553 5.6.7', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    assert.deepEqual(
      await codes(
        client,
        'MAIL FROM:<a@x.test> SMTPUTF8=1',
        utf8('MAIL FROM:<ü@x.test>'),
        'MAIL FROM:<a@x.test>',
        utf8('RCPT TO:<ü@x.test>'),
      ),
      ['501 5.5.4', '553 5.6.7', '250 2.1.0', '553 5.6.7'],
    );
  });

  it('§3.3: only well-formed UTF-8 is taken', async () => {
    await using running = await startServer();
    await using client = await running.greeted();
    const bad = ['\xfc', '\xc0\xbc', '\xed\xa0\x80', '\xf5\x80\x80\x80', '\xc3'];
    const said = await codes(client, ...bad.map((octets) => `MAIL FROM:<a${octets}@x.test> SMTPUTF8`));
    assert.deepEqual(said, Array(bad.length).fill('501 5.5.2'));
  });
});
