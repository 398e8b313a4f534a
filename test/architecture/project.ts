import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** What the tests of this folder read of package.json. */
interface Manifest {
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<'types' | 'default', string>>>>;
}

/** The folder of package.json: above this file, or above the working directory where the build went elsewhere. */
export const root: string = above(import.meta.dirname) ?? above(process.cwd()) ?? missing();

export const manifest: Manifest = readManifest(root);

/** @returns the `.ts` files below a folder of the project as `/` paths relative to it, sorted; none where it does not exist */
export function typeScriptFiles(folder: string): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.ts'));
  return files.map((name) => name.split(sep).join('/')).sort();
}

/** @param path - relative to the root of the project */
export function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function above(folder: string): string | undefined {
  if (existsSync(join(folder, 'package.json')) && readManifest(folder).name === 'tls-smtp') return folder;
  return dirname(folder) === folder ? undefined : above(dirname(folder));
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function missing(): never {
  throw new Error('package.json of tls-smtp is neither above the compiled tests nor above the working directory');
}
