import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { outputOf, type PeerRun } from './peers.js';
import { eventually, within } from './raw-client.js';

/** One message, as a person types it: the dot of the third body line is stuffed. */
const LINES = [
  'EHLO client.test',
  'MAIL FROM:<alice@x.test>',
  'RCPT TO:<bob@y.test>',
  'DATA',
  'Subject: one',
  '',
  'Hello',
  '..',
  'end',
  '.',
  'QUIT',
];

/** What a server must have received from {@link typeDialogue}. */
export const TYPED_BODY = 'Subject: one\r\n\r\nHello\r\n.\r\nend\r\n';

/**
 * Types a message into a program that carries lines through TLS, each line when the reply to the one before has come.
 *
 * @param ready - what the program prints when it takes lines
 */
export async function typeDialogue(child: ChildProcessWithoutNullStreams, ready: RegExp): Promise<PeerRun> {
  const output = outputOf(child);
  const closed = once(child, 'close') as Promise<[number | null]>;
  try {
    await eventually('it takes lines', () => ready.test(output()));
    let read = output().length;
    let inData = false;
    for (const line of LINES) {
      child.stdin.write(`${line}\r\n`); // never the tool's --crlf: gnutls-cli's mends one line a read
      if (line === 'DATA') inData = true;
      else if (line === '.') inData = false;
      else if (inData) continue;
      await eventually(`the reply to ${line}`, () => /^\d{3} .*\r?\n/m.test(output().slice(read)));
      read = output().length;
    }
    const [code] = await within(closed, 'it ends');
    return { code, printed: output() };
  } catch (error) {
    throw new Error(`printed: ${output()}`, { cause: error });
  } finally {
    child.kill('SIGKILL');
  }
}
