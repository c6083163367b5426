/** What the modules of the project export to each other, read from their syntax alone: the whole tree in a second. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** A module as its own text has it. */
export interface Module {
  readonly path: string;
  readonly text: string;
  /** Names that it declares and exports. */
  readonly exports: readonly string[];
  /** Those of them that are types alone. */
  readonly types: ReadonlySet<string>;
  /** Names that it uses itself, apart from where it declares them. */
  readonly mentions: ReadonlySet<string>;
  readonly imports: readonly Import[];
}

/** What a module takes, or passes on, from another. */
export interface Import {
  /** A path from the project's root, or the name of a package (`rxjs/operators` is `rxjs`). */
  readonly from: string;
  /** The names, as the other exports them; `*` for all. */
  readonly names: readonly string[];
  /** Whether they are exported again. */
  readonly passedOn: boolean;
}

/** All TypeScript modules below folders, by path. */
export function readModules(...folders: readonly string[]): ReadonlyMap<string, Module> {
  const paths = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => /\.([jt]s|tsx)$/.test(path) && !/\/(node_modules|target)\//.test(path)),
  );
  return new Map(paths.map((path) => [path, readModule(path, readFileSync(path, 'utf8'))]));
}

/** Reads one module. @param path where it is, from the project's root */
export function readModule(path: string, text: string): Module {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const exports: string[] = [];
  const types = new Set<string>();
  const imports: Import[] = [];
  const mentions = new Set<string>();
  const declared = new Set<ts.Node>();
  const resolve = (specifier: string): string => resolved(path, specifier);

  const declare = (name: ts.BindingName | undefined): void => {
    if (name === undefined) return;
    if (ts.isIdentifier(name)) {
      declared.add(name);
      exports.push(name.text);
    } else for (const element of name.elements) if (ts.isBindingElement(element)) declare(element.name);
  };
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) imports.push(importOf(statement, resolve));
    else if (ts.isExportDeclaration(statement)) {
      const { exportClause, moduleSpecifier } = statement;
      const names =
        exportClause !== undefined && ts.isNamedExports(exportClause)
          ? exportClause.elements.map((element) => (element.propertyName ?? element.name).text)
          : ['*'];
      if (moduleSpecifier === undefined) exports.push(...names);
      else imports.push({ from: resolve((moduleSpecifier as ts.StringLiteral).text), names, passedOn: true });
    } else if (isExported(statement)) {
      if (ts.isVariableStatement(statement))
        for (const { name } of statement.declarationList.declarations) declare(name);
      else if (
        ts.isFunctionDeclaration(statement) ||
        ts.isClassDeclaration(statement) ||
        ts.isInterfaceDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement) ||
        ts.isEnumDeclaration(statement)
      ) {
        declare(statement.name);
        if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement))
          types.add(statement.name.text);
      }
    }
  }

  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !declared.has(node)) mentions.add(node.text);
    if (
      ts.isCallExpression(node) &&
      node.expression.kind === ts.SyntaxKind.ImportKeyword &&
      node.arguments[0] !== undefined &&
      ts.isStringLiteral(node.arguments[0])
    )
      imports.push({ from: resolve(node.arguments[0].text), names: namesTaken(node), passedOn: false });
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && node.qualifier !== undefined)
      imports.push({
        from: resolve((node.argument.literal as ts.StringLiteral).text),
        names: [node.qualifier.getText()],
        passedOn: false,
      });
    // new URL('./worker.js', import.meta.url) names an entry point
    if (ts.isNewExpression(node) && /^new URL\('\.[^']*\.js', import\.meta\.url\)$/.test(node.getText()))
      imports.push({
        from: resolve((node.arguments?.[0] as ts.StringLiteral).text),
        names: [],
        passedOn: false,
      });
    if (!ts.isImportDeclaration(node)) ts.forEachChild(node, visit);
  };
  visit(source);
  return { path, text, exports, types, mentions, imports };
}

/** What an import declaration takes; `import * as name` counts as all. */
function importOf(declaration: ts.ImportDeclaration, resolve: (specifier: string) => string): Import {
  const from = resolve((declaration.moduleSpecifier as ts.StringLiteral).text);
  const clause = declaration.importClause;
  const bindings = clause?.namedBindings;
  const names =
    bindings === undefined
      ? []
      : ts.isNamespaceImport(bindings)
        ? ['*']
        : bindings.elements.map((element) => (element.propertyName ?? element.name).text);
  return { from, names: clause?.name === undefined ? names : [...names, 'default'], passedOn: false };
}

/** What is taken of `await import(…)`: `{ a, b } = await import(…)`, `(await import(…)).a`; else all. */
function namesTaken(call: ts.CallExpression): readonly string[] {
  let node: ts.Node = call.parent;
  while (ts.isAwaitExpression(node) || ts.isParenthesizedExpression(node)) node = node.parent;
  if (ts.isPropertyAccessExpression(node)) return [node.name.text];
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name))
    return node.name.elements.map(({ propertyName, name }) => (propertyName ?? name).getText());
  return ['*'];
}

const isExported = (statement: ts.Statement): boolean =>
  ts.canHaveModifiers(statement) &&
  (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

/** A path of the project, or the name of a package. */
function resolved(importer: string, specifier: string): string {
  if (specifier.startsWith('.')) {
    const path = join(dirname(importer), specifier);
    if (!/\.tsx?$/.test(importer)) return path;
    const part = path.replace(/\.js$/, '.tsx');
    return existsSync(part) ? part : path.replace(/\.js$/, '.ts');
  }
  const own = /^rx-sv2(?:\/(\w+))?$/.exec(specifier);
  if (own !== null) return `src/${own[1] ?? 'index'}.ts`;
  const [scope = '', name = ''] = specifier.split('/');
  return specifier.startsWith('@') ? `${scope}/${name}` : scope;
}

/**
 * What modules export and nothing uses, as `path: name`. A type may be exported for what its own module exports to be
 * written with, and a value for a spec to try what its own module uses.
 * @param entries what other programs use all of
 */
export function unusedExports(
  modules: ReadonlyMap<string, Module>,
  entries: readonly string[],
): readonly string[] {
  const all = [...modules.values()];
  const isSpec = ({ path }: Module) => !path.startsWith('src/');
  const everything = entries.map((from) => ({ from, names: ['*'], passedOn: false }));
  const bySource = usedNames(modules, [
    ...all.filter((module) => !isSpec(module)).flatMap(({ imports }) => imports),
    ...everything,
  ]);
  const byAll = usedNames(modules, [...all.flatMap(({ imports }) => imports), ...everything]);
  return all.flatMap((module) => {
    const { path, exports, types, mentions } = module;
    const isUsedBy = (used: ReadonlyMap<string, ReadonlySet<string>>, name: string) =>
      used.get(path)?.has(name) === true || used.get(path)?.has('*') === true;
    return exports
      .filter((name) => !isUsedBy(isSpec(module) ? byAll : bySource, name))
      .filter((name) => !mentions.has(name) || !(types.has(name) || isUsedBy(byAll, name)))
      .map((name) => `${path}: ${name}`);
  });
}

/** Which names of which modules imports use, directly or by what passes them on. */
function usedNames(
  modules: ReadonlyMap<string, Module>,
  imports: readonly Import[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const used = new Map<string, Set<string>>();
  const use = (path: string, name: string): void => {
    const module = modules.get(path);
    if (module === undefined) return;
    const names = used.get(path) ?? new Set();
    used.set(path, names);
    if (names.has(name)) return;
    names.add(name);
    for (const { from, names: passed, passedOn } of module.imports) {
      if (!passedOn) continue;
      if (passed.includes('*')) use(from, name);
      else if (name === '*') for (const each of passed) use(from, each);
      else if (passed.includes(name)) use(from, name);
    }
  };
  for (const { from, names, passedOn } of imports) if (!passedOn) for (const name of names) use(from, name);
  return used;
}
