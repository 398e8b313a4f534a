import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AclOptions, acl } from '../../../src/policy/acl.js';
import { aclRefusal, checkedAcl, judge } from '../../../src/server/acl.js';
import { Conversation } from '../../../src/server/conversation.js';
import { reject } from '../../../src/smtp/rejection.js';
import type { Reply } from '../../../src/smtp/reply.js';

const OK: Reply = { code: 250, lines: ['ok'] };
const context = (options?: AclOptions): { acl: AclOptions | null; conversation: Conversation } => ({
  acl: checkedAcl(options),
  conversation: new Conversation('id', { address: '192.0.2.1' }),
});

describe('checkedAcl', () => {
  for (const [given, option, problem] of [
    [5, 'acl', /must be an object/],
    [{ mailFrom: [] }, 'acl.mailFrom', /is unknown; acl\.mail is meant/],
    [{ rcptTo: [] }, 'acl.rcptTo', /is unknown; acl\.rcpt is meant/],
    [{ ehlo: [] }, 'acl.ehlo', /is unknown; acl\.helo is meant/],
    [{ Data: [] }, 'acl.Data', /is unknown; acl\.data is meant/],
    [{ quit: [] }, 'acl.quit', /is unknown$/],
    [{ rcpt: acl.accept() }, 'acl.rcpt', /must be a list of rules/],
    [{ rcpt: [acl.accept(), acl.hosts('*')] }, 'acl.rcpt[1]', /is no rule/],
    [{ rcpt: [acl.accept] }, 'acl.rcpt[0]', /is no rule/],
    [{ mail: [null] }, 'acl.mail[0]', /is no rule/],
    [{ mail: [{ action: 'deny', condition: null, reply: null }] }, 'acl.mail[0]', /is no rule/],
    [{ mail: [{ action: 'warn', condition: null, reply: OK }] }, 'acl.mail[0]', /is no rule/],
  ] as const) {
    it(`refuses ${JSON.stringify(given)}: ${option}`, () => {
      assert.throws(() => checkedAcl(given as unknown as AclOptions), {
        code: 'ERR_TLS_SMTP_OPTION',
        option,
        message: problem,
      });
    });
  }

  it('keeps the lists as they were given, and no others: a polluted prototype adds none', () => {
    const rules = [acl.accept()];
    const given = Object.assign(Object.create({ mail: [acl.drop()] }), { rcpt: rules });
    const checked = checkedAcl(given);
    rules.unshift(acl.drop());
    assert.deepEqual([checked?.rcpt?.map(({ action }) => action), checked?.mail], [['accept'], undefined]);
    assert.equal(checkedAcl(undefined), null);
  });
});

describe('judge', () => {
  it('goes on at once where there is no list, or none for this command', () => {
    for (const options of [undefined, {}, { data: [acl.drop()] }]) {
      const here = context(options);
      assert.equal(
        judge(here, 'rcpt', (given, item) => (given === here && item === 7 ? OK : assert.fail()), 7),
        OK,
      );
      assert.equal(aclRefusal(here, 'rcpt'), null);
    }
  });

  it('goes on or refuses as the list says, and later where a condition answers later', async () => {
    const mail = [acl.deny(({ address }) => address?.address === 'spam@x'), acl.accept(async () => true)];
    const codes: unknown[] = [];
    for (const address of ['spam@x', 'a@x']) {
      const here = context({ mail });
      const reply = judge(here, 'mail', () => OK, null, { address, parameters: {} });
      codes.push([reply instanceof Promise, (await reply).code]);
    }
    assert.deepEqual(codes, [
      [false, 550],
      [true, 250],
    ]);
  });

  it('asks about peer, TLS and user, and the address of the command alone', () => {
    const asked: unknown[] = [];
    const list = [
      acl.accept((facts) => {
        asked.push(facts);
        return true;
      }),
    ];
    const address = { address: 'a@x', parameters: {} };
    const here = context({ helo: list, rcpt: list });
    aclRefusal(here, 'helo');
    aclRefusal(here, 'rcpt', address);
    const facts = { peer: { address: '192.0.2.1' }, tls: null, user: null };
    assert.deepEqual(asked, [facts, { ...facts, address }]);
  });

  it('marks the conversation that is dropped, and no other', async () => {
    const dropped: unknown[] = [];
    for (const rule of [acl.drop(), acl.drop(undefined, reject(451, '4.7.1', 'later')), acl.deny(), acl.defer()]) {
      const here = context({ rcpt: [rule] });
      dropped.push([(await aclRefusal(here, 'rcpt'))?.code, here.conversation.dropped]);
    }
    assert.deepEqual(dropped, [
      [554, true],
      [451, true],
      [550, false],
      [451, false],
    ]);
  });

  it('connect: 554 5.7.1 in place of the greeting (RFC 5321 §3.1), a reply of the rule as it stands', async () => {
    const rules = [[], [acl.deny()], [acl.drop()], [acl.deny(undefined, reject(550, '5.7.1', 'no'))], [acl.defer()]];
    const codes = await Promise.all(
      rules.map(async (connect) => (await aclRefusal(context({ connect }), 'connect'))?.code),
    );
    assert.deepEqual(codes, [554, 554, 554, 550, 451]);
  });
});
