import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type SmtpServerOptions, serverSettings } from '../../../src/server/options.js';
import { SMTP_SERVER_NAMES } from '../../../src/server/smtp-server-names.js';

describe('SMTP_SERVER_NAMES', () => {
  it('explains no name that is read, and what it calls an option of ours is one', () => {
    const text = (given: object): string => {
      try {
        serverSettings(given as SmtpServerOptions);
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
      return '';
    };
    for (const [name, meant] of Object.entries(SMTP_SERVER_NAMES)) {
      assert.equal(text({ [name]: 1 }), `option ${name} is unknown; ${meant} is meant?`);
      const [, inner] = /^limits\.(\w+)$/.exec(meant) ?? [];
      if (inner !== undefined) assert.doesNotMatch(text({ limits: { [inner]: 1 } }), /unknown/, meant);
    }
  });
});
