import type { ServerTlsOptions } from '../../src/net/server-tls-options.js';
import type { Ability, MailClient, Mechanism } from './mail-client.js';

/** One way to meet: what the server wants and offers, what the client shows and uses, and what the server then says. */
export interface Way {
  readonly title: string;
  /** What the client must be able to do. */
  readonly needs: readonly Ability[];
  readonly tls?: Partial<ServerTlsOptions>;
  /** Keywords of EHLO that the server does not offer. */
  readonly hide?: readonly string[];
  /** Whose certificate the client shows. Default: none. */
  readonly shows?: 'known' | 'stranger';
  readonly login?: Mechanism;
  /** What the certificate counts as, or why the client is refused in the handshake. */
  readonly certificate: 'none' | 'unverified' | 'verified' | RegExp;
}

const REQUIRED = { verifyHosts: '*' };
const TRIED = { tryVerifyHosts: '*' };

const WAYS: readonly Way[] = [
  { title: 'one command at a time', needs: [], hide: ['PIPELINING', 'CHUNKING'], certificate: 'none' },
  { title: 'commands in groups', needs: ['pipelined'], hide: ['CHUNKING'], certificate: 'none' },
  { title: 'the body in chunks', needs: ['chunked'], certificate: 'none' },
  { title: 'AUTH PLAIN', needs: ['PLAIN'], login: 'PLAIN', certificate: 'none' },
  { title: 'AUTH LOGIN', needs: ['LOGIN'], login: 'LOGIN', certificate: 'none' },
  {
    title: 'AUTH EXTERNAL',
    needs: ['certificate', 'EXTERNAL'],
    ...{ tls: TRIED, shows: 'known', login: 'EXTERNAL', certificate: 'verified' },
  },
  {
    title: 'a certificate required and shown',
    needs: ['certificate'],
    ...{ tls: REQUIRED, shows: 'known', certificate: 'verified' },
  },
  {
    title: 'a certificate required, none shown: refused',
    needs: [],
    ...{ tls: REQUIRED, certificate: /\(ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE\)$/ },
  },
  {
    title: "a certificate required, a stranger's shown: refused",
    needs: ['certificate', 'strangers'],
    ...{ tls: REQUIRED, shows: 'stranger', certificate: /\(UNABLE_TO_GET_ISSUER_CERT_LOCALLY\)$/ },
  },
  {
    title: 'a certificate tried and shown',
    needs: ['certificate'],
    ...{ tls: TRIED, shows: 'known', certificate: 'verified' },
  },
  { title: 'a certificate tried, none shown', needs: [], tls: TRIED, certificate: 'none' },
  {
    title: "a certificate tried, a stranger's shown",
    needs: ['certificate', 'strangers'],
    ...{ tls: TRIED, shows: 'stranger', certificate: 'unverified' },
  },
];

/** @returns the ways that a client can meet us in */
export function waysOf({ cannot }: Pick<MailClient, 'cannot'>): Way[] {
  return WAYS.filter(({ needs }) => needs.every((ability) => cannot[ability] === undefined));
}
