/** The tarball that `npm pack` makes of `dist`, which `npm test` has built. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/**
 * Packs this package into a directory.
 * @returns the path of the tarball, and those of the files in it
 */
export function pack(directory: string): { readonly tarball: string; readonly paths: readonly string[] } {
  const output = execFileSync(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', directory],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const { filename, files } = (JSON.parse(output) as Packed[])[0] as Packed;
  return { tarball: join(directory, filename), paths: files.map(({ path }) => path) };
}
