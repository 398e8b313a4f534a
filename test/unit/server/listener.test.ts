import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { OptionError } from '../../../src/errors.js';
import {
  type AcceptOptions,
  acceptSettings,
  Listener,
  type ListenOptions,
  listenSettings,
} from '../../../src/server/listener.js';
import { eventually, RawClient } from '../../support/raw-client.js';

describe('acceptSettings', () => {
  it('refuses a misspelt option, which would be a session in clear, and what is no peer', () => {
    const check = (given: object | null): AcceptOptions => acceptSettings(given as AcceptOptions);
    assert.throws(
      () => check({ tlsOnconnect: true }),
      /accept\.tlsOnconnect is unknown; accept\.tlsOnConnect is meant/,
    );
    assert.throws(() => check({ secure: true }), /accept\.secure is unknown; tlsOnConnect is meant/);
    assert.throws(() => check({ tlsOnConnect: 'yes' }), /accept\.tlsOnConnect must be true or false/);
    assert.throws(() => check({ peer: '192.0.2.1' }), /peer must be an object/);
    assert.throws(() => check(null), OptionError);
    assert.deepEqual({ ...check({ tlsOnConnect: true, peer: {} }) }, { tlsOnConnect: true, peer: {} });
  });
});

describe('listenSettings', () => {
  it('is port 25, or 465 where TLS comes first, unless something else is said', () => {
    const where = (options: ListenOptions): object => listenSettings(options).where;
    assert.deepEqual(where({}), { host: undefined, port: 25 });
    assert.deepEqual(where({ tlsOnConnect: true }), { host: undefined, port: 465 });
    assert.deepEqual(where({ port: 0, host: '::1', tlsOnConnect: true }), { host: '::1', port: 0 });
    assert.deepEqual(where({ path: '/run/smtp.sock' }), { path: '/run/smtp.sock', fd: undefined });
    assert.deepEqual(where({ fd: 3 }), { path: undefined, fd: 3 });
  });

  const WRONG: readonly (readonly [object, RegExp])[] = [
    [{ fd: 3, port: 25 }, /listen\.fd says where to listen, and so does another option/],
    [{ fd: 3, path: '/x' }, /listen\.fd says where to listen/],
    [{ path: '/x', host: '::1' }, /listen\.path says where to listen/],
    [{ fd: -1 }, /listen\.fd must be a whole number/],
    [{ fd: '3' }, /listen\.fd must be a whole number/],
    [{ port: 65_536 }, /listen\.port must be a whole number from 0 to 65535/],
    [{ path: '' }, /listen\.path must be the path/],
    [{ tlsOnConnect: 'yes' }, /listen\.tlsOnConnect must be true or false/],
    [{ secure: true }, /listen\.secure is unknown; tlsOnConnect is meant/],
    [{ proxy: true }, /listen\.proxy is unknown; proxyProtocol is meant/],
  ];
  it('takes no port in place of the object, as Node does', () => {
    const given: unknown = 2525;
    assert.throws(
      () => listenSettings(given as ListenOptions),
      /option listen takes an object: listen\(\{ port: 2525 \}\)/,
    );
  });

  for (const [options, message] of WRONG) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => listenSettings(options),
        (error) => error instanceof OptionError && message.test(error.message),
      );
    });
  }
});

describe('Listener', () => {
  it('hands over each client, paused, and says where it listens', async () => {
    const states: boolean[] = [];
    const listener = new Listener(
      null,
      (socket) => {
        states.push(socket.isPaused());
        socket.destroy();
      },
      () => assert.fail('no error is due'),
    );
    const { address, port } = await listener.open({ host: '127.0.0.1', port: 0 });
    assert.equal(address, '127.0.0.1');
    await using client = await RawClient.connect(port);
    await client.closed();
    await eventually('a client', () => states.length === 1);
    await listener.close();
    assert.deepEqual(states, [true]);
  });

  it('rejects with what the system says: a port that is taken, a descriptor that does not listen', async () => {
    const quiet = (): Listener =>
      new Listener(
        null,
        (socket) => socket.destroy(),
        () => {},
      );
    const first = quiet();
    const { port } = await first.open({ host: '127.0.0.1', port: 0 });
    await assert.rejects(quiet().open({ host: '127.0.0.1', port }), { code: 'EADDRINUSE' });
    await first.close();
    // in a process of its own: here a free number may be taken by whatever runs beside
    const source = `
      const { Listener } = await import(${JSON.stringify(new URL('../../../src/server/listener.js', import.meta.url).href)});
      const refused = (fd) => new Listener(null, () => {}, () => {}).open({ fd }).then(() => 'listens', ({ message }) => message);
      console.log(await refused(999) + '\\n' + await refused(0));
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
    assert.match(stdout, /^(?:option listen\.fd is no listening socket that was passed on \(E[A-Z]+\)\n){2}$/, stderr);
  });
});
