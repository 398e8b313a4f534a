import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import * as library from '../../src/index.js';
import * as testing from '../../src/testing/index.js';
import { textOf } from './project.js';

/** What a program in JavaScript hands over by mistake. */
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  nothing: [],
  undefined: [undefined, undefined],
  null: [null, null],
  text: ['x', 'x'],
  number: [42, 42],
  list: [['x'], ['x']],
  object: [{}, {}],
  function: [() => {}, () => {}],
  'a socket without TLS': [new Socket()],
};

type Call = (...given: readonly unknown[]) => unknown;

/** Every function and class that an entry exports, static methods and the functions of exported objects with them. */
function callsOf(exported: Readonly<Record<string, unknown>>): Map<string, Call> {
  const calls = new Map<string, Call>();
  for (const [name, value] of Object.entries(exported)) {
    if (typeof value === 'object' && value !== null) {
      for (const [member, one] of Object.entries(value)) {
        if (typeof one === 'function') calls.set(`${name}.${member}()`, (...given) => Reflect.apply(one, value, given));
      }
    }
    if (typeof value !== 'function') continue;
    const isClass = /^class\b/.test(Function.prototype.toString.call(value));
    if (!isClass) calls.set(`${name}()`, (...given) => Reflect.apply(value, undefined, given));
    // The library makes its errors itself; a rejection is what programs make.
    if (!isClass || (name.endsWith('Error') && name !== 'SmtpRejection')) continue;
    calls.set(`new ${name}()`, (...given) => Reflect.construct(value, given));
    for (const member of Object.getOwnPropertyNames(value)) {
      const one: unknown = Reflect.get(value, member);
      if (typeof one === 'function' && member !== 'prototype') {
        calls.set(`${name}.${member}()`, (...given) => Reflect.apply(one, value, given));
      }
    }
  }
  return calls;
}

/** The methods of an object, its own class's alone. */
function methodsOf(what: string, made: () => object, names: readonly string[]): [string, Call][] {
  return names.map((name) => [
    `${what}.${name}()`,
    (...given) => {
      const object = made();
      return Reflect.apply(Reflect.get(object, name), object, given);
    },
  ]);
}

const { HostList, ServerTlsPolicy, CredentialStore, StartTlsServer, SmtpServer, SmtpTransport } = library;
const PEER_METHODS = ['advertise', 'require', 'clientCertificate', 'resumeClear', 'askCertificate'];

/** What takes something from a program behind its constructor. */
const methods = new Map<string, Call>([
  ...methodsOf('HostList', () => HostList.parse('*'), ['match', 'matchSync', 'lint']),
  ...methodsOf('HostMatcher of a callback', () => library.hostMatcher(() => true), ['match']),
  ...methodsOf('ServerTlsPolicy', () => new ServerTlsPolicy({ certificate: 'x' }), PEER_METHODS),
  ...methodsOf('CipherList', () => library.CipherList.parse('*'), ['matches']),
  ...methodsOf('DistinguishedName', () => library.DistinguishedName.fromX509('CN=x'), ['get']),
  ...methodsOf('CredentialStore', () => new CredentialStore({ certificate: () => undefined }), ['resolve', 'check']),
  ...methodsOf('StartTlsServer', () => new StartTlsServer({}), ['session', 'ready']),
  ...methodsOf('StartTlsSession', () => new StartTlsServer({}).session({}), ['starttls', 'tlsOnConnect', 'clearAgain']),
  ...methodsOf('SmtpServer', () => new SmtpServer({}), ['accept', 'close', 'ready']),
  ...methodsOf('SmtpTransport', () => new SmtpTransport({}), ['deliver', 'close']),
]);

/** @returns what came of it: nothing wrong, or in words what is */
async function faultOf(call: Call, given: readonly unknown[]): Promise<string | null> {
  try {
    await call(...given);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof library.TlsSmtpError)) return `throws ${String(thrown)}`;
    return / (must|is|has|takes|was|cannot|expected) /.test(thrown.message)
      ? null
      : `says no more than ${thrown.message}`;
  }
}

/** Calls all with all. @returns those that answer with anything else than success or a typed error with words */
async function faults(calls: ReadonlyMap<string, Call>): Promise<string[]> {
  const found: string[] = [];
  for (const [name, call] of calls) {
    for (const [kind, given] of Object.entries(WRONG)) {
      const fault = await faultOf(call, given);
      if (fault !== null) found.push(`${name} of ${kind} ${fault}`);
    }
  }
  return found;
}

describe('wrong arguments', () => {
  it('of whatever the library exports are refused with a typed error, in words, or taken', async () => {
    const calls = new Map([...callsOf(library), ...callsOf(testing)]);
    const table = new Set(Object.values<string[]>(JSON.parse(textOf('test/tables/exports.json'))).flat());
    const known = [...table].filter((name) => !name.startsWith('type ') && !name.endsWith('Error'));
    const called = [...calls.keys()].map((name) => name.replace(/^new |[.(].*$/g, ''));
    assert.deepEqual(
      known.filter((name) => !called.includes(name) && name !== 'ForcedFailure'),
      [],
    );
    assert.deepEqual(await faults(calls), []);
  });

  it('of methods too', async () => {
    assert.deepEqual(await faults(methods), []);
  });

  it('negative control: what reads them unseen is found', async () => {
    const unseen = new Map<string, Call>([['unseen()', (peer) => (peer as { address: string }).address]]);
    assert.deepEqual(
      (await faults(unseen)).map((fault) => fault.split(' throws ')[0]),
      ['unseen() of nothing', 'unseen() of undefined', 'unseen() of null'],
    );
  });
});

describe('what is no peer', () => {
  it('is never taken for a local session, which many a list says yes to', async () => {
    const none = ['192.0.2.1', 42, null, undefined, true, [], ['192.0.2.1'], () => {}, { address: 1 }, new Socket()];
    const takers = [...methods].filter(([name]) => /\.(match|matchSync|session)\(\)$|^ServerTlsPolicy/.test(name));
    assert.equal(takers.length, 4 + PEER_METHODS.length);
    for (const [name, call] of takers) {
      for (const peer of none) {
        await assert.rejects(
          async () => call(peer),
          { code: 'ERR_TLS_SMTP_OPTION', option: /^peer/ },
          `${name} of ${String(peer)}`,
        );
      }
    }
  });
});
