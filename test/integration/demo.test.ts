import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { root } from '../architecture/project.js';

/** Runs the main job as `npm start` does, with its output piped. */
async function demo(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [join(root, 'dist/src/demo/demo.js'), ...args]);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, err };
}

describe('the main job', () => {
  it('delivers one message over STARTTLS and shows the boundary and the facts, as plain text when piped', async () => {
    const { code, out } = await demo('--once', '--port', '0', '--tls-port', '0');
    assert.equal(code, 0);
    const [clear = '', inside = ''] = out.split('TLS begins');
    assert.match(clear, /C: STARTTLS\n {2}S: 220/);
    assert.doesNotMatch(clear, /MAIL FROM/);
    assert.match(
      inside,
      /C: MAIL FROM[\s\S]*Received: from[\s\S]*ESMTPS[\s\S]*Result: delivered[\s\S]*certificate +verified/,
    );
    assert.ok(!out.includes('\u001b'), 'no colours in a pipe');
  });

  it('says what is wrong with a flag, and fails', async () => {
    const { code, err } = await demo('--port', 'x');
    assert.deepEqual([code, err], [1, "--port takes a port number, not 'x'\n"]);
  });
});
