/** What an entry point exports, as the compiler sees it. */
import ts from 'typescript';

/** A function that is exported, or a class by its constructor. */
export interface ExportedFunction {
  readonly name: string;
  /** The types of its parameters, one list per signature. */
  readonly parameters: readonly (readonly string[])[];
}

/** All functions and classes that a source file exports. */
export function exportedFunctions(entry: string): readonly ExportedFunction[] {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined };
  const options = ts.getParsedCommandLineOfConfigFile('tsconfig.json', {}, host)?.options ?? {};
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry} is no module`);
  return checker.getExportsOfModule(module).flatMap((symbol) => {
    const meant = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    if ((meant.flags & ts.SymbolFlags.Value) === 0) return [];
    const type = checker.getTypeOfSymbol(meant);
    const parameters = [...type.getCallSignatures(), ...type.getConstructSignatures()].map((signature) =>
      signature.getParameters().map((parameter) => checker.typeToString(checker.getTypeOfSymbol(parameter))),
    );
    return parameters.length === 0 ? [] : [{ name: symbol.name, parameters }];
  });
}
