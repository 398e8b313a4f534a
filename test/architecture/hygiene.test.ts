import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { root, textOf } from './project.js';

/** A whole block, not the mere words, which tests of bad PEM text contain. */
const PEM_BLOCK = /-----BEGIN [A-Z0-9 ]+-----\r?\n(?:[A-Za-z0-9+/=]{16,}\r?\n){2}/;
const KEY_FILE = /\.(?:pem|crt|cer|der|key|p12|pfx|jks)$/;
const UNFINISHED_TEST = /\b(?:it|test|describe|suite)\.(?:only|todo)\b|\{ *(?:only|todo): /;
const MACHINE_PATH = /(?<![\w.~/-])\/(?:home|root|Users|work)\/\w|\b[A-Z]:\\\\?Users\b/;

const outsideGit = existsSync(join(root, '.git')) ? false : 'not a git checkout';

describe('the project', () => {
  it('holds no certificate or key: they are made when the tests run', { skip: outsideGit }, () => {
    assert.deepEqual(
      offenders((file, text) => KEY_FILE.test(file) || PEM_BLOCK.test(text)),
      [],
    );
  });

  it('leaves no test behind that is focused or still to be written', { skip: outsideGit }, () => {
    assert.deepEqual(
      offenders((file, text) => file.startsWith('test/') && UNFINISHED_TEST.test(text)),
      [],
    );
  });

  it('names no path of somebody’s machine', { skip: outsideGit }, () => {
    assert.deepEqual(
      offenders((_file, text) => MACHINE_PATH.test(text)),
      [],
    );
  });

  it('links to no file that is not there, and to no heading that it does not have', { skip: outsideGit }, () => {
    const broken: string[] = [];
    offenders((file, text) => {
      if (!file.endsWith('.md')) return false;
      for (const [, link = '', fragment] of prose(text).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)) {
        const target = link === '' ? file : join(dirname(file), link);
        const found = existsSync(join(root, target));
        if (!found || (fragment !== undefined && !anchors(textOf(target)).includes(fragment))) {
          broken.push(`${file}: ${link}${fragment === undefined ? '' : `#${fragment}`}`);
        }
      }
      return false;
    });
    assert.deepEqual(broken, []);
  });

  it('has a way from docs/index.md to each page', { skip: outsideGit }, () => {
    const index = textOf('docs/index.md');
    const isLost = (file: string): boolean =>
      /^docs\/(?!index)[^/]+\.md$|^docs\/(guide|reference)\/.*\.md$/.test(file) &&
      !index.includes(`](${file.slice('docs/'.length)})`);
    assert.deepEqual(offenders(isLost), []);
  });
});

/** @returns the files that git knows, or would add, of which `isBad` holds */
function offenders(isBad: (file: string, text: string) => boolean): string[] {
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  const files = new Set(
    listing
      .toString()
      .split('\0')
      .filter((file) => file !== '' && existsSync(join(root, file))),
  );
  return [...files].filter((file) => isBad(file, textOf(file)));
}

/** Without its programs: what looks like a link or a heading in them is none. */
function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

/** What a page's headings are called in links, by the rules of GitHub. */
function anchors(text: string): string[] {
  return [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}
