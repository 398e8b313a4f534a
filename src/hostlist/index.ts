export { type ErrorCode, type Fault, ForcedFailure, OptionError, type Phase, TlsSmtpError } from '../errors.js';
export { ListSyntaxError } from '../inspect/errors.js';
export { type Peer, peerOf } from '../peer.js';
export { HostListSyntaxError } from './errors.js';
export { HostList, type HostListVoiceEvent, type HostMatchUnknown, hostMatcher } from './host-list.js';
export type { HostMatch } from './host-match.js';
export type { HostListWarning } from './lint.js';
export { dnsResolver, type HostResolver } from './names.js';
export type {
  HostListOptions,
  HostListSource,
  HostMatcher,
  HostMatchOptions,
  HostPredicate,
} from './options.js';
export type { HostListStats } from './steps.js';
export { belongs, type HostListUse, unknownRule } from './uses.js';
