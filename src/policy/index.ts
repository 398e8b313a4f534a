export { type ErrorCode, type Fault, ForcedFailure, OptionError, type Phase, TlsSmtpError } from '../errors.js';
export { HostListSyntaxError } from '../hostlist/errors.js';
export { CipherListSyntaxError, ListSyntaxError } from '../inspect/errors.js';
export { type Peer, peerOf } from '../peer.js';
export { reject, SmtpRejection } from '../smtp/rejection.js';
export {
  type Acl,
  type AclAction,
  type AclCommand,
  type AclCondition,
  type AclDecision,
  type AclFacts,
  type AclOptions,
  type AclRule,
  acl,
  decideAcl,
} from './acl.js';
export type { Explained } from './explained.js';
export { type ServerHostList, type ServerPolicyOptions, ServerTlsPolicy } from './server-policy.js';
export type { CertificateRule } from './verdict.js';
