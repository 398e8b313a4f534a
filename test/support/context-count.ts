import { syncBuiltinESMExports } from 'node:module';
import tls from 'node:tls';

let built = 0;
const build = tls.createSecureContext;

/** Builds one that is not counted. */
export const uncountedContext: typeof tls.createSecureContext = (options) => build(options);

/** Counts the contexts that are built in this process from now on, by anybody, also inside of Node's servers. @returns so many */
export function countContexts(): () => number {
  tls.createSecureContext = (options) => {
    built++;
    return build(options);
  };
  syncBuiltinESMExports(); // reaches those who imported it by name
  return () => built;
}
