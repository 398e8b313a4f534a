import { ALERT, type MailClient, NO_STRANGERS } from './mail-client.js';
import { start } from './peers.js';
import { dialogueOf, typeDialogue } from './typed-dialogue.js';

/** Programs that carry what is typed through TLS, of two TLS libraries: they can all that SMTP can. */

export const OPENSSL: MailClient = {
  name: 'openssl s_client',
  peers: ['openssl'],
  cannot: {},
  deliver: (visit) => {
    const { mode, version, port, ca, identity } = visit;
    const client = start('openssl', [
      ...['s_client', '-quiet', '-connect', `127.0.0.1:${port}`, `-tls1_${version.at(-1)}`],
      ...['-CAfile', ca, '-verify_hostname', 'mx.test', '-verify_return_error', '-servername', 'mx.test'],
      ...(identity === null ? [] : ['-cert', identity, '-key', identity]),
      ...(mode === 'starttls' ? ['-starttls', 'smtp'] : []),
    ]);
    // -starttls swallows the banner and the first EHLO; on-connect prints the banner
    return typeDialogue(client, mode === 'starttls' ? /verify return/ : /^220 /m, dialogueOf(visit));
  },
  success: /^250 2\.0\.0 Message accepted[\s\S]*^221 2\.0\.0 Bye/m,
  inGroups: /(?:^250 2\.[\d.]+ .*\r?\n){3}354 /m,
  inChunks: /^250 2\.0\.0 Message accepted/m,
  distrust: /verify error/,
  wrong: /^535 5\.7\.8 /m,
  leaves: ALERT,
};

export const GNUTLS: MailClient = {
  name: 'gnutls-cli',
  peers: ['gnutls-cli'],
  cannot: { strangers: NO_STRANGERS },
  deliver: (visit) => {
    const { mode, version, port, ca, identity } = visit;
    const client = start('gnutls-cli', [
      ...[`--x509cafile=${ca}`, '--sni-hostname=mx.test', '--verify-hostname=mx.test', `--port=${port}`],
      `--priority=NORMAL:-VERS-ALL:+VERS-TLS1.${version.at(-1)}`,
      ...(identity === null ? [] : [`--x509certfile=${identity}`, `--x509keyfile=${identity}`]),
      ...(mode === 'starttls' ? ['--starttls-proto=smtp'] : []),
      '127.0.0.1',
    ]);
    const ready = mode === 'starttls' ? /- Simple Client Mode:\r?\n\r?\n/ : /^220 mx\.test /m;
    return typeDialogue(client, ready, dialogueOf(visit));
  },
  success: /- Status: The certificate is trusted[\s\S]*^250 2\.0\.0 Message accepted[\s\S]*^221 2\.0\.0 Bye/m,
  inGroups: /(?:^250 2\.[\d.]+ .*\r?\n){3}354 /m,
  inChunks: /^250 2\.0\.0 Message accepted/m,
  distrust: /Status: The certificate is NOT trusted/,
  wrong: /^535 5\.7\.8 /m,
  leaves: ALERT,
};
