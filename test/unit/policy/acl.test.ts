import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError } from '../../../src/errors.js';
import type { TlsInfo } from '../../../src/inspect/tls-info.js';
import { type AclCondition, type AclFacts, acl, decideAcl, judgeAcl } from '../../../src/policy/acl.js';
import { reject, type SmtpRejection } from '../../../src/smtp/rejection.js';
import { formatReply } from '../../../src/smtp/reply.js';

const SUITE = { cipherName: 'TLS_AES_256_GCM_SHA384', cipherStandardName: 'TLS_AES_256_GCM_SHA384' };
const facts = (tls: object | null = null, user: string | null = null): AclFacts => ({
  peer: { address: '192.0.2.1' },
  tls: tls as TlsInfo | null,
  user,
});
const YES: AclCondition = () => 'yes';
const NO: AclCondition = () => 'no';
const DEFER: AclCondition = () => Promise.resolve('defer');
const THROWS: AclCondition = () => {
  throw new Error('the database is away');
};

async function said(condition: AclCondition, about = facts()): Promise<string> {
  return (await decideAcl([acl.accept(condition)], about)).action;
}

describe('decideAcl, SPEC §5', () => {
  it('accepts everybody where there is no list, and denies at the end of one: 550 5.7.1', async () => {
    assert.deepEqual(await decideAcl(undefined, facts()), {
      action: 'accept',
      reply: null,
      reason: 'there is no list',
    });
    for (const rules of [[], [acl.accept(NO)], [acl.drop(NO), acl.defer(NO)]]) {
      const { action, reply } = await decideAcl(rules, facts());
      assert.equal(action, 'deny');
      assert.match(formatReply(reply ?? { code: 0, lines: [] }), /^550 5\.7\.1 /);
    }
  });

  it('the first rule that holds decides, with its own reply or its default', async () => {
    const own = reject(530, '5.7.0', 'Must issue a STARTTLS command first');
    const replies: string[] = [];
    for (const rule of [acl.deny(YES, own), acl.deny(), acl.defer(YES), acl.drop(), acl.accept()]) {
      const { action, reply } = await decideAcl([acl.accept(NO), rule, acl.accept()], facts());
      replies.push(`${action} ${reply === null ? '-' : formatReply(reply).slice(0, 9)}`);
    }
    assert.deepEqual(replies, ['deny 530 5.7.0', 'deny 550 5.7.1', 'defer 451 4.7.1', 'drop 554 5.7.1', 'accept -']);
  });

  it('a condition that throws or cannot tell is 451, whatever rule it stands in', async () => {
    for (const condition of [DEFER, THROWS, acl.not(THROWS), acl.all(YES, DEFER, NO), acl.any(NO, THROWS, YES)]) {
      for (const rule of [acl.accept(condition), acl.deny(condition), acl.drop(condition)]) {
        const { action, reply, reason } = await decideAcl([rule, acl.accept()], facts());
        assert.deepEqual([action, reply?.code, reason], ['defer', 451, 'the condition of rule 1 could not be told']);
      }
    }
  });
});

describe('acl', () => {
  it('not, all and any, in order and no further than needed', async () => {
    const table = [acl.not(YES), acl.not(NO), acl.all(), acl.any(), acl.all(YES, YES), acl.all(YES, NO, THROWS)];
    const more = [acl.any(NO, YES, THROWS), acl.any(NO, NO)];
    assert.deepEqual(await Promise.all([...table, ...more].map((one) => said(one))), [
      'deny',
      'accept',
      'accept',
      'deny',
      'accept',
      'deny',
      'accept',
      'deny',
    ]);
  });

  it('hosts, encrypted, certificateVerified, authenticated ask what is known of the session', async () => {
    const inTls = facts({ ...SUITE, certificateVerified: false });
    const verified = facts({ ...SUITE, certificateVerified: true }, 'alice');
    assert.deepEqual(
      await Promise.all([
        said(acl.hosts('192.0.2.0/24')),
        said(acl.hosts(['!192.0.2.1', '*'])),
        said(acl.hosts(() => Promise.reject(new Error('x')))),
        said(acl.encrypted('*')),
        said(acl.encrypted('*'), inTls),
        said(acl.encrypted('!*GCM-SHA384 : !TLS_AES_256_GCM_SHA384 : *'), inTls),
        said(acl.certificateVerified(), inTls),
        said(acl.certificateVerified(), verified),
        said(acl.authenticated(), inTls),
        said(acl.authenticated(), verified),
      ]),
      ['accept', 'deny', 'defer', 'deny', 'accept', 'deny', 'deny', 'accept', 'deny', 'accept'],
    );
  });

  it('relaying with a verified certificate only, local delivery for everybody', async () => {
    const local: AclCondition = ({ address }) => address?.address.endsWith('@here.test') === true;
    const rules = [
      acl.deny(acl.not(acl.encrypted('*')), reject(530, '5.7.0', 'Must issue a STARTTLS command first')),
      acl.accept(local),
      acl.accept(acl.any(acl.certificateVerified(), acl.authenticated())),
      acl.deny(undefined, reject(550, '5.7.1', 'no relaying')),
    ];
    const clients = [
      facts(),
      facts({ ...SUITE, certificateVerified: false }),
      facts({ ...SUITE, certificateVerified: true }),
      facts({ ...SUITE, certificateVerified: false }, 'alice'),
    ];
    const table = ['b@here.test', 'b@far.test'].map((address) =>
      Promise.all(
        clients.map(
          async (one) => (await decideAcl(rules, { ...one, address: { address, parameters: {} } })).reply?.code,
        ),
      ),
    );
    assert.deepEqual(await Promise.all(table), [
      [530, undefined, undefined, undefined],
      [530, 550, undefined, undefined],
    ]);
  });

  it('a condition of your own may answer true and false; anything else is not told', async () => {
    const own = [() => true, async () => true, () => false, async () => false, () => undefined, () => 1, () => 'maybe'];
    assert.deepEqual(await Promise.all(own.map((one) => said(one as AclCondition))), [
      'accept',
      'accept',
      'deny',
      'deny',
      'defer',
      'defer',
      'defer',
    ]);
    assert.equal(await said(acl.not(() => true)), 'deny');
    assert.equal(await said(acl.not(acl.certificateVerified as unknown as AclCondition)), 'defer', 'not called');
  });

  it('refuses arguments of the wrong kind when the list is made, not when it is asked', () => {
    const wrong = { code: 550 } as unknown as SmtpRejection;
    assert.throws(() => acl.deny('192.0.2.1' as unknown as AclCondition), OptionError);
    assert.throws(() => acl.deny(YES, wrong), OptionError);
    assert.throws(() => acl.not(true as unknown as AclCondition), /acl\.not\(\) takes conditions/);
    assert.throws(() => acl.all(YES, 'tls' as unknown as AclCondition), /acl\.all\(\) takes conditions/);
    assert.throws(() => acl.any(null as unknown as AclCondition), /acl\.any\(\) takes conditions/);
    assert.throws(() => acl.hosts('010.0.0.1'), { code: 'ERR_TLS_SMTP_HOST_LIST_SYNTAX' });
    assert.throws(() => acl.encrypted('HIGH:!aNULL'), { code: 'ERR_TLS_SMTP_CIPHER_LIST_SYNTAX' });
  });
});

describe('judgeAcl', () => {
  it('answers at once where all conditions that are asked do, and only then', async () => {
    const later: AclCondition = async () => true;
    const atOnce = [
      [acl.accept()],
      [acl.accept(NO), acl.deny(acl.hosts(['192.0.2.0/24', '2001:db8::/32']))],
      [acl.deny(acl.not(acl.all(acl.any(acl.authenticated(), YES), acl.hosts('!192.0.2.1')))), acl.accept(later)],
      [acl.accept(THROWS)],
      [],
      undefined,
    ];
    assert.deepEqual(
      atOnce.map((rules) => {
        const decision = judgeAcl(rules, facts());
        return decision instanceof Promise ? 'later' : decision.action;
      }),
      ['accept', 'deny', 'deny', 'defer', 'deny', 'accept'],
    );
    for (const condition of [later, acl.not(later), acl.any(NO, later), acl.hosts(async () => true)]) {
      const decision = judgeAcl([acl.accept(NO), acl.drop(condition), acl.accept()], facts());
      assert.ok(decision instanceof Promise);
      assert.equal(
        (await decision).action,
        condition === later || (await condition(facts())) !== 'no' ? 'drop' : 'accept',
      );
    }
  });

  it('asks the rules in order behind one that answered later, each once', async () => {
    const asked: number[] = [];
    const note =
      (number: number, answer: boolean): AclCondition =>
      async () => {
        asked.push(number);
        return answer;
      };
    const rules = [
      acl.accept(note(1, false)),
      acl.accept(note(2, false)),
      acl.drop(note(3, true)),
      acl.accept(note(4, true)),
    ];
    const { action, reason } = await decideAcl(rules, facts());
    assert.deepEqual([action, reason, asked], ['drop', 'rule 3 says drop', [1, 2, 3]]);
  });

  it('a list of names is asked of DNS, and its failure is told', async () => {
    const dns = (failing: boolean): AclCondition =>
      acl.hosts('*.test', {
        resolver: {
          reverse: async () => {
            if (failing) throw Object.assign(new Error('x'), { code: 'ESERVFAIL' });
            return ['mx.test'];
          },
          forward: async () => ['192.0.2.1'],
        },
      });
    assert.deepEqual([await said(dns(false)), await said(dns(true))], ['accept', 'defer']);
  });
});
