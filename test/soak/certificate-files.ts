import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IssuedCertificate } from '../../src/testing/authority.js';

/** A certificate and its key in two files, which are replaced one behind the other, as programs that renew them do. */
export class CertificateFiles implements AsyncDisposable {
  readonly certificate: string;
  readonly privateKey: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.certificate = join(folder, 'cert.pem');
    this.privateKey = join(folder, 'key.pem');
  }

  static async with(pair: IssuedCertificate): Promise<CertificateFiles> {
    const files = new CertificateFiles(await mkdtemp(join(tmpdir(), 'tls-smtp-rotation-')));
    await files.replace(pair);
    return files;
  }

  /** Each file is whole at any time, the pair is not: in between stands the new certificate with the old key. */
  async replace({ cert, key }: IssuedCertificate): Promise<void> {
    for (const [path, content] of [
      [this.certificate, cert],
      [this.privateKey, key],
    ] as const) {
      await writeFile(`${path}.new`, content, { mode: 0o600 });
      await rename(`${path}.new`, path);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}
