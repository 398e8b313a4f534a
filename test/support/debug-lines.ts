import { format } from 'node:util';
import createDebug from 'debug';

/** What `DEBUG=tls-smtp:*` prints, from the import of this module on, which must be before that of src. */
export const debugLines: string[] = [];

createDebug.inspectOpts = { ...createDebug.inspectOpts, colors: false, hideDate: true };
createDebug.log = (...args: unknown[]) => void debugLines.push(format(...args));
createDebug.enable('tls-smtp:*');
