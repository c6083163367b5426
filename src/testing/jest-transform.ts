/** Compiles ES modules to CommonJS for Jest, where it cannot load them as they are: see `jest-preset.ts`. */
import ts from 'typescript';

const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };

export default {
  /** @param supportsStaticESM whether this module will be loaded as an ES module */
  process(
    text: string,
    path: string,
    { supportsStaticESM }: { readonly supportsStaticESM: boolean },
  ): { readonly code: string } {
    if (supportsStaticESM) return { code: text };
    const { outputText } = ts.transpileModule(text, { fileName: path, compilerOptions });
    return {
      code: outputText.replaceAll('import.meta.url', "require('node:url').pathToFileURL(__filename).href"),
    };
  },
};
