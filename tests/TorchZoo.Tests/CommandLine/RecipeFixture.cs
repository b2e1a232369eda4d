using NUnit.Framework;
using TorchZoo.Scripts.Terminal;
using TorchZoo.Testing;

namespace TorchZoo.Tests.CommandLine;

/// <summary>Runs the command line with some recipes, in this process, and has a folder for what they write.</summary>
/// <param name="recipes">The recipes.</param>
public abstract class RecipeFixture(params Type[] recipes)
{
    /// <summary>Empty at the start of each test.</summary>
    protected TemporaryFolder Folder { get; private set; } = null!;

    [SetUp]
    public void OpenFolder() => Folder = new TemporaryFolder();

    [TearDown]
    public void CloseFolder() => Folder.Dispose();

    /// <summary>Runs a command.</summary>
    protected CliResult Run(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var exitCode = new Application(new Screen(output, error), new RecipeCatalog(recipes)).Run(args);
        return new CliResult(exitCode, output.ToString(), error.ToString());
    }
}
