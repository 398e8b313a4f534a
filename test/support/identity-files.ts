import { chmod } from 'node:fs/promises';
import { TestAuthority } from '../../src/testing/authority.js';
import { temporaryFolder } from './temporary-folder.js';

/** A certificate and its key as an operator has them. */
export interface IdentityFiles extends AsyncDisposable {
  readonly authority: TestAuthority;
  /** Certificate and key, as whole paths. */
  readonly paths: readonly [certificate: string, privateKey: string];
}

/** Issues a certificate for `name`, and puts it and its key into a folder of their own; `await using` removes it. */
export async function identityFiles(name: string): Promise<IdentityFiles> {
  const authority = await TestAuthority.create();
  const { cert, key } = await authority.issue({ name });
  const folder = await temporaryFolder({ 'cert.pem': cert, 'key.pem': key });
  await chmod(folder.file('key.pem'), 0o600);
  return {
    authority,
    paths: [folder.file('cert.pem'), folder.file('key.pem')],
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
