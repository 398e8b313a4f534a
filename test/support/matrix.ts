import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { TestAuthority } from '../../src/testing/authority.js';
import { MESSAGE, MODES, type Mode, oneDelivery, outcome, portOf, VERSIONS, type Version } from './delivery.js';
import { type MailClient, plainVisit } from './mail-client.js';
import { itWith } from './peers.js';
import { temporaryFolder } from './temporary-folder.js';
import { type Way, waysOf } from './ways.js';
import { type StartOptions, startServer, testIdentity } from './with-server.js';

/** Who issues the certificates of clients; those of servers come from another. */
const clients = TestAuthority.create({ name: 'an authority for clients' });

/** Registers a client's tests: every way that it can, in every mode and version; and what it does where it must not go on. */
export function inEveryWay(client: MailClient): void {
  describe(client.name, () => {
    for (const mode of MODES) {
      for (const version of VERSIONS) {
        for (const way of waysOf(client)) {
          itWith(client.peers, `${mode}, ${version}: ${way.title}`, () => meets(client, mode, version, way));
        }
      }
      itWith(client.peers, `${mode}: nothing to a server of an authority that it does not trust`, () =>
        distrusts(client, mode),
      );
      if (client.wrong !== undefined) {
        itWith(client.peers, `${mode}: nothing with a wrong password`, () => isRefused(client, mode));
      }
    }
  });
}

async function meets(client: MailClient, mode: Mode, version: Version, way: Way): Promise<void> {
  const { authority } = await testIdentity();
  await using running = await startServer({
    hide: way.hide ?? [],
    ...(way.tls !== undefined && { tls: { verifyCertificates: (await clients).ca, ...way.tls } }),
    ...(way.login !== undefined && { onAuth: tim }),
  });
  await using folder = await temporaryFolder({ 'ca.pem': authority.ca, 'client.pem': await shown(way) });
  const { code, printed } = await client.deliver({
    ...{ mode, version, port: portOf(running, mode), ca: folder.file('ca.pem') },
    identity: way.shows === undefined ? null : folder.file('client.pem'),
    login: way.login === undefined ? null : { mechanism: way.login, password: way.login === 'EXTERNAL' ? '' : 'right' },
    pipelined: way.needs.includes('pipelined') || way.needs.includes('chunked'),
    chunked: way.needs.includes('chunked'),
  });
  await running.quiet();
  const found = outcome(running);
  if (typeof way.certificate !== 'string') {
    const { messages, inClear, errors } = found;
    assert.deepEqual({ messages, inClear }, { messages: [], inClear: [] });
    assert.doesNotMatch(printed, client.success);
    assert.notEqual(errors.length, 0, printed);
    for (const error of errors) assert.match(error, way.certificate);
    return;
  }
  assert.equal(code, 0, printed);
  assert.match(printed, client.success);
  if (way.needs.includes('pipelined')) assert.match(printed, client.inGroups ?? /$./);
  if (way.needs.includes('chunked')) assert.match(printed, client.inChunks ?? /$./);
  const expected = oneDelivery(mode, version, { ...client, body: bodyOf(client, found.messages[0]?.body ?? '') });
  const type = way.login === undefined ? 'ESMTPS' : 'ESMTPSA';
  const { certificate } = way;
  const { ends = ['the client said QUIT'] } = client;
  assert.deepEqual(found, {
    ...expected,
    reasons: ends,
    messages: expected.messages.map((one) => ({ ...one, type, certificate })),
  });
}

/** A reset takes along what was not read yet, also the alert of a client that closes at once: it comes again, so often. */
const VISITS = 10;
const RESET = /^the connection was lost \((?:ECONNRESET|EPIPE)\)$/;

async function distrusts(client: MailClient, mode: Mode): Promise<void> {
  let told = await distrustfulVisit(client, mode);
  for (let visit = 1; visit < VISITS && told.every((line) => RESET.test(line)); visit++) {
    told = await distrustfulVisit(client, mode);
  }
  for (const line of told) assert.match(line, client.leaves);
}

/** @returns what the server told of it */
async function distrustfulVisit(client: MailClient, mode: Mode): Promise<readonly string[]> {
  await using running = await startServer();
  const stranger = await TestAuthority.create();
  await using folder = await temporaryFolder({ 'ca.pem': stranger.ca });
  const { printed } = await client.deliver(plainVisit(mode, portOf(running, mode), folder.file('ca.pem')));
  assert.match(printed, client.distrust);
  assert.doesNotMatch(printed, client.success);
  await running.quiet();
  const { messages, errors, reasons, inClear } = outcome(running);
  assert.deepEqual({ messages, inClear }, { messages: [], inClear: [] });
  assert.notEqual(reasons.length, 0);
  return [...errors, ...reasons];
}

async function isRefused(client: MailClient, mode: Mode): Promise<void> {
  await using running = await startServer({ onAuth: tim });
  await using folder = await temporaryFolder({ 'ca.pem': running.authority.ca });
  const { printed } = await client.deliver({
    ...plainVisit(mode, portOf(running, mode), folder.file('ca.pem')),
    login: { mechanism: 'PLAIN', password: 'wrong' },
  });
  assert.match(printed, client.wrong ?? /$./);
  await running.quiet();
  const { messages, errors, inClear } = outcome(running);
  assert.deepEqual({ messages, errors, inClear }, { messages: [], errors: [], inClear: [] });
}

const tim: NonNullable<StartOptions['onAuth']> = ({ method, username, password, certificate }) => {
  const right =
    method === 'EXTERNAL'
      ? certificate?.subject.get('CN')[0] === 'tim.test'
      : username === 'tim' && password === 'right';
  return right && { user: 'tim' };
};

async function shown({ shows }: Way): Promise<string> {
  if (shows === undefined) return '';
  const issuer = await (shows === 'known' ? clients : TestAuthority.create({ name: 'a stranger' }));
  const { cert, key } = await issuer.issue({ name: 'tim.test', kind: 'client' });
  return cert + key;
}

/** What must have come: MESSAGE, behind a header of the client's own where it adds one. */
function bodyOf({ traces }: MailClient, body: string): string {
  if (traces === undefined) return MESSAGE;
  const [trace] = /^Received: [\s\S]*?\r\n(?=\S)/.exec(body) ?? [];
  assert.ok(trace, 'it adds a header of its own');
  return trace + MESSAGE;
}
