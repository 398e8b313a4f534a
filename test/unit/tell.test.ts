import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { tell } from '../../src/tell.js';

describe('tell', () => {
  it('emits at once', () => {
    let told = 0;
    tell(() => told++);
    assert.equal(told, 1);
  });

  it('what a listener throws is an uncaughtException, and does not stop the one who tells', async () => {
    const file = JSON.stringify(new URL('../../src/tell.js', import.meta.url).href);
    const program = `
      const { parentPort } = require('node:worker_threads');
      process.on('uncaughtException', (error) => parentPort.postMessage('uncaught: ' + error.message));
      import(${file}).then(({ tell }) => {
        tell(() => { throw new Error('mine'); });
        parentPort.postMessage('went on');
      });`;
    const worker = new Worker(program, { eval: true });
    const said: unknown[] = [];
    worker.on('message', (message) => said.push(message));
    await once(worker, 'exit');
    await turn();
    assert.deepEqual(said, ['went on', 'uncaught: mine']);
  });
});
