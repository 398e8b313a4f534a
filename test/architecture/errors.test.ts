import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { root } from './project.js';

const CODE = /ERR_TLS_SMTP_[A-Z_]+/g;

function sources(): string[] {
  const src = join(root, 'src');
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
    .map((name) => readFileSync(join(src, name), 'utf8'));
}

describe('error codes', () => {
  const declared = readFileSync(join(root, 'src/errors.ts'), 'utf8').match(CODE) ?? [];
  const codes = [...new Set(declared)].sort();

  it('each stands in the table of docs/reference/errors.md, and nothing else does', () => {
    const table = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8').match(CODE) ?? [];
    assert.deepEqual(table, codes);
  });

  it('each is the code of exactly one class', () => {
    const classes = [...sources(), readFileSync(join(root, 'src/errors.ts'), 'utf8')].join('\n');
    const used = [...classes.matchAll(/readonly code = '(ERR_TLS_SMTP_[A-Z_]+)' as const/g)].map((match) => match[1]);
    assert.deepEqual(used.sort(), codes);
  });
});
