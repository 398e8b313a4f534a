import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { TestAuthority } from '../../src/testing/authority.js';
import { MODES, type Mode, outcome, portOf, VERSIONS, type Version } from '../support/delivery.js';
import { inEveryWay } from '../support/matrix.js';
import { itWith, type PeerRun, run } from '../support/peers.js';
import { POSTFIX_SMTP, postfixFolder } from '../support/postfix.js';
import { type RunningServer, type StartOptions, startServer } from '../support/with-server.js';

/** posttls-finger ends with 0 also where it trusts nobody: what it prints counts. */
async function finger(
  running: RunningServer,
  ca: string,
  mode: Mode,
  version: Version,
  ...more: readonly string[]
): Promise<PeerRun> {
  await using folder = await postfixFolder({ 'ca.pem': ca });
  const result = await run(
    'posttls-finger',
    [
      ...[
        '-t',
        '5',
        '-p',
        version,
        '-l',
        'verify',
        '-F',
        folder.file('ca.pem'),
        ...(mode === 'on-connect' ? ['-w'] : []),
      ],
      ...[...more, `[127.0.0.1]:${portOf(running, mode)}`, 'mx.test'],
    ],
    { env: { MAIL_CONFIG: folder.path } },
  );
  await running.quiet();
  return result;
}

/** What a server saw of each handshake. */
interface Handshakes {
  readonly options: StartOptions;
  readonly seen: readonly string[];
}

function handshakes(): Handshakes {
  const seen: string[] = [];
  const options: StartOptions = {
    onSecure: (tls) => {
      seen.push(`${tls.mode} ${tls.protocol} ${tls.resumed ? 'resumed' : 'full'}`);
    },
  };
  return { options, seen };
}

inEveryWay(POSTFIX_SMTP);

const NO_MAIL = { messages: [], errors: [], warnings: [], inClear: [] };
const QUIT = 'the client said QUIT';

describe('posttls-finger', () => {
  for (const mode of MODES) {
    for (const version of VERSIONS) {
      itWith(['posttls-finger'], `verifies us, and resumes when it comes again: ${mode}, ${version}`, async () => {
        const { options, seen } = handshakes();
        await using running = await startServer(options);
        const { code, printed } = await finger(running, running.authority.ca, mode, version, '-r', '1', '-m', '2');
        assert.equal(code, 0, printed);
        assert.deepEqual(printed.match(/\w+ TLS connection established to .*: TLSv\S+/g)?.map(shortened), [
          `Verified ${version}`,
          `Verified ${version}`,
        ]);
        assert.equal(printed.match(/: Reusing old session/g)?.length, 1, printed);
        assert.equal(printed.match(/< 221 2\.0\.0 Bye/g)?.length, 2, printed);
        assert.deepEqual(seen, [`${mode} ${version} full`, `${mode} ${version} resumed`]);
        assert.deepEqual(outcome(running), { ...NO_MAIL, reasons: [QUIT, QUIT] });
      });
    }

    itWith(
      ['posttls-finger'],
      `negative control: it does not call us verified by another authority: ${mode}`,
      async () => {
        await using running = await startServer();
        const { ca } = await TestAuthority.create();
        const { code, printed } = await finger(running, ca, mode, 'TLSv1.3');
        assert.equal(code, 0, printed);
        assert.match(printed, /Untrusted TLS connection established/);
        assert.doesNotMatch(printed, /Verified TLS/);
        assert.deepEqual(outcome(running), { ...NO_MAIL, reasons: [QUIT] });
      },
    );
  }
});

describe('smtp-source', () => {
  itWith(['smtp-source'], 'delivers 200 messages over 20 connections at once, in clear', async () => {
    await using running = await startServer();
    await using folder = await postfixFolder({});
    const { code, printed } = await run(
      'smtp-source',
      [
        ...['-s', '20', '-m', '200', '-l', '2000', '-M', 'client.test', '-f', 'alice@x.test', '-t', 'bob@y.test'],
        `inet:127.0.0.1:${running.port}`,
      ],
      { env: { MAIL_CONFIG: folder.path } },
    );
    assert.deepEqual([code, printed], [0, '']);
    await running.quiet();
    const { messages, errors, warnings } = outcome(running);
    assert.deepEqual([messages.length, errors, warnings], [200, [], []]);
    const ids = new Set(messages.map(({ body }) => /^Message-Id: (.+)\r$/m.exec(body)?.[1]));
    assert.equal(ids.size, 200);
    const bodies = messages.map(({ body, envelope, type }) => [
      body.replace(/^[\s\S]*?\r\n\r\n/, ''),
      ...envelope,
      type,
    ]);
    const [first = []] = bodies;
    assert.deepEqual(first.slice(1), ['alice@x.test', 'bob@y.test', 'SMTP']);
    assert.equal(first[0]?.length, 2000 + 2); // the end of the last line is not counted
    assert.deepEqual(
      bodies.filter((one) => one.join() !== first.join()),
      [],
    );
  });
});

/** `Verified TLS connection established to …: TLSv1.3` as `Verified TLSv1.3`. */
function shortened(line: string): string {
  return line.replace(/ TLS connection .*: /, ' ');
}
