using TorchZoo.Data.FunctionSpaces;
using TorchZoo.Data.Operators;

namespace TorchZoo.Scripts.Recipes;

/// <summary>An operator to learn: its data, the widths of the networks, how long they train and what they are to reach.</summary>
internal sealed record OperatorTask
{
    /// <summary>Names on the command line.</summary>
    public static string[] Names { get; } = ["antiderivative", "pendulum", "diffusion-reaction", "advection"];

    public required string Name { get; init; }

    public required OperatorProblem Problem { get; init; }

    /// <summary>Functions to train on, and random points of each.</summary>
    public required (long Functions, long Points) Train { get; init; }

    /// <summary>Functions to test on, which are none of the training's, and random points of each.</summary>
    public required (long Functions, long Points) Test { get; init; }

    /// <summary>Widths of the hidden layers and of the last one of branch and trunk.</summary>
    public required (long[] Branch, long[] Trunk) Widths { get; init; }

    /// <summary>Widths of the hidden layers of the network on function and location.</summary>
    public required long[] BaselineWidths { get; init; }

    public required int BatchSize { get; init; }

    public required int Steps { get; init; }

    /// <summary>The mean square error to reach on test functions, how many times the baseline's must be above it, and how far the test
    /// error may be above the training error (null: not asked).</summary>
    public required (double Error, double TimesBelow, double? Gap) Goal { get; init; }

    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static OperatorTask Named(string name, RecipeContext context) => name switch
    {
        "antiderivative" => Ode(name, new Antiderivative(), context, (context.Pick(6e-5, 6e-5, 2e-6), 8, 1.4)),
        "pendulum" => Ode(name, new GravityPendulum(), context, (1e-5, 8, 1.4)),
        "diffusion-reaction" => Pde(name, new DiffusionReaction(), context, (1e-3, 10, null)),
        "advection" => Pde(name, new Advection { Space = new GaussianProcessSpace { LengthScale = 0.5 } }, context, (1e-2, 2, null)),
        _ => throw new ArgumentException($"Unknown problem '{name}'; there are {string.Join(", ", Names)}.", nameof(name)),
    };

    private static OperatorTask Ode(string name, OperatorProblem problem, RecipeContext context, (double, double, double?) goal) => new()
    {
        Name = name,
        Problem = problem,
        Train = (context.Pick(200, 10_000, 10_000), 1),
        Test = (context.Pick(20, 2000, 10_000), context.Pick(5, 20, 10)),
        Widths = ([40, 40], [40, 40]),
        BaselineWidths = [100, 100],
        BatchSize = context.Pick(100, 2000, 10_000),
        Steps = context.Pick(10, 6000, 50_000),
        Goal = goal,
    };

    private static OperatorTask Pde(string name, OperatorProblem problem, RecipeContext context, (double, double, double?) goal) => new()
    {
        Name = name,
        Problem = problem,
        Train = (context.Pick(10, 400, 500), context.Pick(10, 100, 100)),
        Test = (context.Pick(5, 100, 1000), 100),
        Widths = ([100, 100], [100, 100]),
        BaselineWidths = [100, 100],
        BatchSize = context.Pick(100, 1000, 10_000),
        Steps = context.Pick(10, 3000, 100_000),
        Goal = goal,
    };
}
