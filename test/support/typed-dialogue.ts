import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { MESSAGE } from './delivery.js';
import type { Visit } from './mail-client.js';
import { outputOf, type PeerRun } from './peers.js';
import { eventually } from './raw-client.js';

/** What is typed at once: so many commands as it has texts, and a reply to each. */
type Step = readonly string[];

const QUIT = 'QUIT\r\n';

/** How a person who knows the protocol delivers MESSAGE. */
export function dialogueOf({ login, pipelined, chunked }: Pick<Visit, 'login' | 'pipelined' | 'chunked'>): Step[] {
  const envelope = ['MAIL FROM:<alice@x.test>', 'RCPT TO:<bob@y.test>', 'RCPT TO:<carol@y.test>'];
  const commands = lines(chunked ? envelope : [...envelope, 'DATA']);
  const middle = MESSAGE.length >> 1;
  const body = chunked
    ? [
        `BDAT ${middle}\r\n${MESSAGE.slice(0, middle)}`,
        `BDAT ${MESSAGE.length - middle} LAST\r\n${MESSAGE.slice(middle)}`,
      ]
    : [`${MESSAGE.replaceAll(/^\./gm, '..')}.\r\n`];
  const together = chunked ? [[...commands, ...body]] : [commands, body]; // DATA waits for its 354, BDAT for nothing
  const groups = pipelined ? together : [...commands, ...body].map(alone);
  return [...lines(['EHLO client.test', ...authentication(login)]).map(alone), ...groups, ['QUIT\r\n']];
}

function authentication(login: Visit['login']): string[] {
  if (login === null) return [];
  const { mechanism, password } = login;
  if (mechanism === 'PLAIN') return [`AUTH PLAIN ${base64(`\0tim\0${password}`)}`];
  return mechanism === 'LOGIN' ? ['AUTH LOGIN', base64('tim'), base64(password)] : ['AUTH EXTERNAL ='];
}

function lines(texts: readonly string[]): string[] {
  return texts.map((text) => `${text}\r\n`); // never the tool's --crlf: gnutls-cli's mends one line a read
}

function alone(text: string): Step {
  return [text];
}

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}

/**
 * Types into a program that carries lines through TLS, each step when the replies to the one before have come, until it
 * ends. Behind a reply that refuses it types nothing but QUIT.
 *
 * @param ready - what the program prints when it takes lines
 */
export async function typeDialogue(
  child: ChildProcessWithoutNullStreams,
  ready: RegExp,
  steps: readonly Step[] = dialogueOf({ login: null, pipelined: false, chunked: false }),
): Promise<PeerRun> {
  const output = outputOf(child);
  let code: number | null | undefined;
  const closed = once(child, 'close').then(([status]) => {
    code = status;
  });
  const orOver = (what: string, test: () => boolean): Promise<void> =>
    eventually(what, () => code !== undefined || test());
  try {
    await orOver('it takes lines', () => ready.test(output()));
    let read = output().length;
    let refused = false;
    for (const texts of steps) {
      if (code !== undefined) break;
      if (refused && texts[0] !== QUIT) continue;
      child.stdin.write(texts.join(''));
      const replies = (): number =>
        output()
          .slice(read)
          .match(/^\d{3} .*\r?\n/gm)?.length ?? 0;
      await orOver(`the reply to ${texts[0]}`, () => replies() >= texts.length);
      refused ||= /^[45]\d\d /m.test(output().slice(read));
      read = output().length;
    }
    await eventually('it ends', () => code !== undefined);
    await closed;
    return { code: code ?? null, printed: output() };
  } catch (error) {
    throw new Error(`printed: ${output()}`, { cause: error });
  } finally {
    child.kill('SIGKILL');
  }
}
