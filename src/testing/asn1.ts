import type * as Schema from '@peculiar/asn1-schema';
import type * as X509 from '@peculiar/asn1-x509';
import { DependencyMissingError } from './errors.js';

/** The optional peers that write DER: the encoder and the ready classes of RFC 5280. */
export interface Asn1 {
  readonly schema: typeof Schema;
  readonly x509: typeof X509;
}

/**
 * Loads the optional peers of the test kit. The first call in a process takes about 100 ms, later ones nothing.
 *
 * @throws {DependencyMissingError} `ERR_TLS_SMTP_DEPENDENCY_MISSING` where one of them is not installed
 */
export function loadAsn1(): Promise<Asn1> {
  return loadOptional(['@peculiar/asn1-schema', '@peculiar/asn1-x509'], async () => {
    const [schema, x509] = await Promise.all([import('@peculiar/asn1-schema'), import('@peculiar/asn1-x509')]);
    return { schema, x509 };
  });
}

/**
 * Runs `load`, which imports `packages`, and says in our words when Node does not find a module.
 *
 * @param packages - npm names, as they are to be installed
 * @throws {DependencyMissingError} where a module is not found, one that a package itself needs included;
 *   any other failure of `load` is passed on as it is, since installing would not mend it
 */
export async function loadOptional<Modules>(
  packages: readonly string[],
  load: () => Promise<Modules>,
): Promise<Modules> {
  try {
    return await load();
  } catch (cause) {
    throw isNotFound(cause) ? new DependencyMissingError(packages, { cause }) : cause;
  }
}

/** `import()` and `require()` name it differently, and an imported CommonJS package requires its own. */
function isNotFound(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    'code' in cause &&
    (cause.code === 'ERR_MODULE_NOT_FOUND' || cause.code === 'MODULE_NOT_FOUND')
  );
}
