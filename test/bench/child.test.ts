import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scriptedServer } from '../support/scripted-server.js';
import { Child } from './child.js';

describe('a process of the bench', { timeout: 120_000 }, () => {
  it('says who failed, and with what', async () => {
    await using client = Child.client('deep-raw');
    await assert.rejects(client.tell('run', { forMs: 1 }), /^Error: deep-raw, client: run before prepare$/);
  });

  it('that has ended is no reason to wait: an order to it fails and says how it ended', async () => {
    const client = Child.client('deep-raw');
    await client[Symbol.asyncDispose]();
    await assert.rejects(
      client.tell('run', { forMs: 1 }),
      /^Error: deep-raw, client: the process ended \(exit code 0\)$/,
    );
  });

  it('that ends while it is asked fails its order', async () => {
    await using silent = await scriptedServer('', () => undefined); // the client waits for its banner
    const client = Child.client('deep-raw');
    const asked = assert.rejects(
      client.tell('prepare', { port: silent.port, ca: '', load: { kind: 'idle', sessions: 16 } }),
      /^Error: deep-raw, client: the process ended \(exit code 0\)$/,
    );
    await client[Symbol.asyncDispose]();
    await asked;
  });
});
