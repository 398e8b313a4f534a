/** The face of the library: all but the test kit. Each group can be had alone from its own subpath. */

// tls-smtp/client
export * from './client/index.js';
// tls-smtp/credentials
export * from './credentials/index.js';
// tls-smtp/host-list
export * from './hostlist/index.js';
// tls-smtp/inspect
export * from './inspect/index.js';
// tls-smtp/starttls
export * from './net/index.js';
// tls-smtp/policy
export * from './policy/index.js';
// tls-smtp/server
export * from './server/index.js';
