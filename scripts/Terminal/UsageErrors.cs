using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;

namespace TorchZoo.Scripts.Terminal;

/// <summary>Says in one sentence what is wrong with a command line, and what was probably meant.</summary>
internal static class UsageErrors
{
    /// <summary>The first thing that is wrong.</summary>
    /// <param name="result">A command line with errors.</param>
    /// <param name="papersWithoutRecipe">Papers that there are but that cannot be run.</param>
    public static string Explain(ParseResult result, IReadOnlyCollection<string> papersWithoutRecipe)
    {
        var command = result.CommandResult.Command;
        var atRoot = result.CommandResult.Parent is null;
        if (result.UnmatchedTokens is [var token, ..])
        {
            if (token.StartsWith('-')) return UnknownOption(token, atRoot ? null : command.Name, command.Options);
            if (atRoot && papersWithoutRecipe.Contains(token))
                return $"'{token}' has no recipe: it is there to be used from C#. See its card: show {token}";
            return atRoot
                ? $"There is no paper or command '{token}'." + Guess(token, command.Subcommands.Where(c => c.Name[0] != '<').Select(c => c.Name).Concat(papersWithoutRecipe))
                : $"'{command.Name}' has no use for '{token}'.";
        }
        return Reword(result.Errors[0]);
    }

    /// <summary>An error of a name that nobody knows, with the nearest that somebody does.</summary>
    public static ArgumentException Unknown(string what, string name, IEnumerable<string> known) => new($"There is no {what} '{name}'." + Guess(name, known));

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
        if (given is null)
            return error.Message.StartsWith("Required argument missing", StringComparison.Ordinal) ? $"{option.Name} takes a value; there is none." : error.Message;
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
