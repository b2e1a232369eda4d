using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;

namespace TorchZoo.Scripts.Terminal;

/// <summary>Says in one sentence what is wrong with a command line, and what was probably meant.</summary>
internal static class UsageErrors
{
    /// <summary>What is wrong with the first argument, if it names no command.</summary>
    public static string UnknownCommand(string name, Command root, IReadOnlyCollection<string> papersWithoutRecipe) =>
        papersWithoutRecipe.Contains(name)
            ? $"'{name}' has no recipe: it is there to be used from C#. See its card: show {name}"
            : $"There is no paper or command '{name}'."
                + Guess(name, root.Subcommands.Select(c => c.Name).Where(n => n[0] != '<').Concat(papersWithoutRecipe));

    /// <summary>The first thing that is wrong with a command line that has errors.</summary>
    public static string Explain(ParseResult result)
    {
        var command = result.CommandResult.Command;
        var isRoot = result.CommandResult.Parent is null;
        if (!isRoot && command.Subcommands.Count > 0 && result.UnmatchedTokens.FirstOrDefault() is not ['-', ..])
        {
            var known = command.Subcommands.Select(c => c.Name).ToList();
            return result.UnmatchedTokens is [var wrong, ..] ? $"There is no '{command.Name} {wrong}'." + Guess(wrong, known)
                : $"'{command.Name}' takes {Either(known)}; there is none.";
        }
        if (result.UnmatchedTokens.FirstOrDefault(t => t.StartsWith('-')) is { } option)
            return UnknownOption(option, isRoot ? null : command.Name, command.Options);
        if (result.Errors.FirstOrDefault(e => e.SymbolResult is OptionResult or ArgumentResult { Parent: OptionResult }) is { } error)
            return Reword(error);
        return result.UnmatchedTokens is [var token, ..] ? $"'{command.Name}' has no use for '{token}'." : Reword(result.Errors[0]);
    }

    /// <summary>An error of a name that nobody knows, with the nearest that somebody does.</summary>
    public static ArgumentException Unknown(string what, string name, IEnumerable<string> known) =>
        new($"There is no {what} '{name}'." + Guess(name, known));

    private static string UnknownOption(string token, string? command, IEnumerable<Option> options)
    {
        var name = token.Split('=', ':')[0];
        var known = options.SelectMany(o => o.Aliases.Prepend(o.Name)).Where(n => n.StartsWith("--", StringComparison.Ordinal));
        return $"There is no option '{name}'{(command is null ? "" : $" for '{command}'")}." + Guess(name, known);
    }

    private static string Guess(string word, IEnumerable<string> known) =>
        Spelling.Nearest(word, known) is { } nearest ? $" Did you mean '{nearest}'?" : "";

    // The library speaks of types ("expected type 'System.Int32'"); we speak of what to type.
    private static string Reword(ParseError error)
    {
        var option = (error.SymbolResult as OptionResult ?? error.SymbolResult?.Parent as OptionResult)?.Option;
        if (option is null)
            return error.SymbolResult is ArgumentResult { Tokens: [], Parent: CommandResult parent, Argument: var argument }
                ? $"'{parent.Command.Name}' takes a {argument.Name}; there is none."
                : error.Message;
        var given = error.SymbolResult!.Tokens.FirstOrDefault()?.Value;
        if (given?.StartsWith("--", StringComparison.Ordinal)
            ?? error.Message.StartsWith("Required argument missing", StringComparison.Ordinal))
            return $"{option.Name} takes a value; there is none.";
        if (given is null) return error.Message;
        var isConversion = error.Message.StartsWith("Cannot parse argument", StringComparison.Ordinal);
        var isChoice = error.Message.Contains("not recognized. Must be one of", StringComparison.Ordinal);
        if (!isConversion && !isChoice) return error.Message;
        var choices = option.GetCompletions(CompletionContext.Empty).Select(c => c.Label).ToList();
        if (choices.Count > 0) return $"{option.Name} takes {Either(choices)}, not '{given}'." + Guess(given, choices);
        var type = Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType;
        return $"{option.Name} takes {Kind(type)}, not '{given}'.";
    }

    private static string Either(List<string> choices) =>
        choices.Count == 1 ? choices[0] : string.Join(", ", choices[..^1]) + " or " + choices[^1];

    private static string Kind(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => "true or false",
        TypeCode.Double or TypeCode.Single or TypeCode.Decimal => "a number",
        TypeCode.Byte or TypeCode.UInt16 or TypeCode.UInt32 or TypeCode.UInt64 => "a whole number from 0",
        TypeCode.SByte or TypeCode.Int16 or TypeCode.Int32 or TypeCode.Int64 => "a whole number",
        _ => $"a {type.Name}",
    };
}
