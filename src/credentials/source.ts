import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { CredentialInvalidError, CredentialUnreadableError } from './errors.js';

/** An absolute file path, or PEM text (anything that holds `-----BEGIN`). */
export type PemSource = string | Buffer;

/** PEM text with where it came from, for the errors that name it. */
export interface PemText {
  readonly option: string;
  /** The file, or `PEM text`. */
  readonly source: string;
  readonly text: string;
}

/** More than any chain; a device or a mail spool named by mistake is not read to its end. */
const MAX_OCTETS = 4 * 1024 * 1024;

/**
 * @param option - its name with path, for errors
 * @throws {CredentialInvalidError} where a path is relative or nothing that is PEM was given
 * @throws {CredentialUnreadableError} where the file cannot be read
 */
export async function readPem(option: string, given: PemSource): Promise<PemText> {
  const text = given.toString();
  if (text.includes('-----BEGIN ')) return { option, source: 'PEM text', text };
  if (typeof given !== 'string') throw new CredentialInvalidError(option, 'Buffer', 'holds no PEM block');
  if (given.includes('\0') || given.includes('\n')) {
    throw new CredentialInvalidError(option, 'text', 'is neither a file name nor PEM text');
  }
  if (!isAbsolute(given)) {
    // A key that lost its BEGIN line looks like this too. Base64 has no dot: only what has one is shown.
    const source = given.length <= 255 && given.includes('.') ? given : 'text';
    throw new CredentialInvalidError(option, source, 'is a relative path; give an absolute one, or PEM text');
  }
  return { option, source: given, text: await readText(option, given) };
}

async function readText(option: string, file: string): Promise<string> {
  const text = await readRegularFile(option, file).catch((cause: unknown) => {
    throw cause instanceof CredentialInvalidError ? cause : new CredentialUnreadableError(option, file, cause);
  });
  if (!text.includes('-----BEGIN ')) throw new CredentialInvalidError(option, file, 'holds no PEM block');
  return text;
}

/** The file that is looked at is the file that is read: both through one descriptor. */
async function readRegularFile(option: string, file: string): Promise<string> {
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe without a writer would block
  const facts = await handle.stat();
  if (!facts.isFile()) throw new CredentialInvalidError(option, file, 'is no regular file');
  if (facts.size > MAX_OCTETS) throw new CredentialInvalidError(option, file, `is larger than ${MAX_OCTETS} octets`);
  return handle.readFile('latin1');
}
