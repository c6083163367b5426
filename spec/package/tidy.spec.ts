import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from '@jest/globals';
import { readModule, readModules, unusedExports } from './modules.js';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly bin?: string | Readonly<Record<string, string>>;
}
const manifestOf = (folder: string) => JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as Manifest;

const entries = [
  ...['src/index.ts', 'src/node.ts', 'src/observe.ts', 'src/testing.ts'],
  ...['src/testing/jest-preset.ts', 'src/testing/jest-transform.ts'],
];
const modules = readModules('src', 'spec', 'marbles', 'examples');
const sources = [...modules.values()].filter(({ path }) => path.startsWith('src/'));
/** The page is built into the package: what it is made of is no dependency of it. */
const installed = sources.filter(({ path }) => !path.startsWith('src/dashboard/'));
const { scripts, dependencies, peerDependencies, devDependencies } = manifestOf('.');

/** The packages that modules import. */
const packagesOf = (users: Iterable<{ readonly imports: readonly { readonly from: string }[] }>) =>
  new Set(
    [...users]
      .flatMap(({ imports }) => imports.map(({ from }) => from))
      .filter((from) => !modules.has(from) && !/^(node:|\.|src\/|spec\/|dist\/)/.test(from)),
  );

describe('nothing is left that nobody uses', () => {
  test('exports', () => {
    // a protocol's codes are listed whole
    const unused = unusedExports(modules, entries).filter(
      (name) => !/^src\/\w+\/error-codes\.ts: /.test(name),
    );
    expect(unused).toEqual([]);
  });

  test('modules', () => {
    const imported = new Set(sources.flatMap(({ imports }) => imports.map(({ from }) => from)));
    const started = [...entries, 'src/cli/main.ts', 'src/dashboard/main.tsx'];
    expect(
      sources.map(({ path }) => path).filter((path) => !imported.has(path) && !started.includes(path)),
    ).toEqual([]);
  });

  test('dependencies', () => {
    const used = packagesOf(installed);
    expect([...used].sort()).toEqual(Object.keys({ ...dependencies, ...peerDependencies }).sort());
  });

  test('dependencies of development', () => {
    const set = ['eslint.config.js', 'jest.config.js', 'tsconfig.json', '.ci/build.js'];
    const configuration = [...set.map((path) => readFileSync(path, 'utf8')), ...Object.values(scripts)].join(
      '\n',
    );
    const others = [...modules.values()].filter((module) => !installed.includes(module));
    const imported = packagesOf([
      ...others,
      ...set.map((path) => readModule(path, readFileSync(path, 'utf8'))),
    ]);
    const known = { ...dependencies, ...devDependencies };
    expect([...imported].filter((name) => !Object.hasOwn(known, name))).toEqual([]);
    const isUsed = (name: string) => {
      const { bin = {} } = manifestOf(`node_modules/${name}`);
      const commands = typeof bin === 'string' ? [name] : Object.keys(bin);
      return (
        imported.has(name) ||
        packagesOf(sources).has(name.replace(/^@types\//, '')) ||
        configuration.includes(`'${name}'`) ||
        configuration.includes(`"${name.replace(/^@types\//, '')}"`) ||
        commands.some(
          (command) =>
            new RegExp(`\\b${command}\\b`).test(configuration) ||
            others.some(({ text }) => text.includes(`node_modules/.bin/${command}`)),
        )
      );
    };
    expect(Object.keys(devDependencies).filter((name) => !isUsed(name))).toEqual([]);
  });

  it('is found out: of four exports the one that nobody imports, and the one that only a spec knows', () => {
    const written = [
      readModule(
        'src/a.ts',
        'export const a = 1, b = 2;\nexport type C = string;\nexport const d: C = "", e = d;',
      ),
      readModule('src/index.ts', "export { a } from './a.js';"),
      readModule(
        'spec/a.spec.ts',
        "const { b } = await import('../src/a.js');\nimport { d } from '../src/a.js';",
      ),
    ];
    const unused = unusedExports(new Map(written.map((module) => [module.path, module])), ['src/index.ts']);
    expect(unused).toEqual(['src/a.ts: b', 'src/a.ts: e']);
  });
});

describe('nothing is left for later, nor switched off without a reason', () => {
  const marks: Readonly<Record<string, RegExp>> = {
    'a note to come back': /\b(TODO|FIXME|XXX|HACK)\b/,
    'a spec that runs alone, or not at all':
      /\b(describe|it|test)\.(only|skip|todo|failing)\b|\b(f|x)(describe|it)\(/,
    'an error that is ignored': /@ts-(ignore|nocheck)|@ts-expect-error(?! \S)/,
    'a rule that is switched off': /eslint-disable(?!.* -- \S)/,
    'a debugger': /^\s*debugger\b/m,
  };
  const here = 'spec/package/tidy.spec.ts';

  test.each(Object.entries(marks))('%s', (_, mark) => {
    expect(
      [...modules.values()]
        .filter(({ path, text }) => path !== here && mark.test(text))
        .map(({ path }) => path),
    ).toEqual([]);
    // here they stand, so that it is known that they would be found
    expect(mark.test(readFileSync(here, 'utf8'))).toBe(true);
  });
  // TODO it.only(…) @ts-ignore eslint-disable-line
  /*
   debugger
  */
});

it('has at its top level what belongs there', () => {
  const tracked = existsSync('.git')
    ? execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n')
    : readdirSync('.').filter((name) => !/^(node_modules|dist.*|coverage)$|\.(tgz|log)$/.test(name));
  const names = new Set(tracked.filter((path) => path !== '').map((path) => path.split('/')[0]));
  const folders = ['.ci', 'examples', 'marbles', 'spec', 'src'];
  const files = ['package.json', 'package-lock.json', 'README.md', 'CHANGELOG.md', 'LICENSE'];
  const configuration = [
    ...['.gitignore', '.npmrc', '.prettierignore', '.prettierrc.json'],
    ...['eslint.config.js', 'jest.config.js', 'tsconfig.json', 'tsconfig.build.json'],
  ];
  expect([...names].sort()).toEqual([...folders, ...files, ...configuration].sort());
});
