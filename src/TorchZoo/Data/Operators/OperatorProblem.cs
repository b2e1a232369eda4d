using System.Text.Json.Serialization;
using TorchZoo.Data.FunctionSpaces;
using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>
/// An operator u ↦ G(u) to be learnt, with a distribution of its input functions: makes the data from settings and a seed. A problem is a
/// record of all that its data depend on, so that generated sets can be cached (<see cref="GeneratedData"/>).
/// </summary>
/// <remarks>All is computed in float64 on the CPU. Functions for which there is no solution (it blows up) are left out.</remarks>
public abstract record OperatorProblem : IDataGenerator
{
    // Enough to make the cost of an operation small, and few enough for the cache and the memory.
    private const long NumbersAtOnce = 1L << 22;
    private readonly FunctionSpace _space = new GaussianProcessSpace();

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>The distribution of u; by default the Gaussian process with an RBF covariance of length scale 0.2.</summary>
    /// <exception cref="ArgumentException">Set to functions that the problem isn't about.</exception>
    [JsonIgnore]
    public FunctionSpace Space
    {
        get => _space;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Dim != 1) throw new ArgumentException($"Expected functions of one variable, got {value.Dim}.", nameof(Space));
            CheckSpace(value);
            _space = value;
        }
    }

    /// <summary>Number m of equispaced sensors, both ends included, ≥ 2.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public long Sensors
    {
        get;
        init => field = Settings.AtLeast(2, value, nameof(Sensors));
    } = 100;

    /// <summary>Number of random locations P at which a function's output is given; null: all of <see cref="Locations"/>, the same for
    /// every function.</summary>
    /// <exception cref="ArgumentException">Set to a number below 1.</exception>
    public long? PointsPerFunction
    {
        get;
        init => field = value is { } points ? Settings.AtLeast(1, points, nameof(PointsPerFunction)) : null;
    }

    /// <summary>Element type of the data; they are computed in float64.</summary>
    public ScalarType DType { get; init; } = ScalarType.Float32;

    // By its run-time type: a property of type FunctionSpace would be written without what a derived record adds.
    [JsonInclude, JsonPropertyName("space")]
    private object SpaceSettings => Space;

    /// <summary>Left end of the interval on which u lives; its length is the space's.</summary>
    protected virtual double Start => 0;

    /// <summary>Numbers that solving for one function keeps in memory, which decides how many are solved at once.</summary>
    protected abstract long NumbersPerFunction { get; }

    /// <summary>Where u is measured.</summary>
    /// <returns>(m), float64</returns>
    public Tensor SensorLocations() => linspace(Start, Start + Space.Length, Sensors, dtype: ScalarType.Float64);

    /// <summary>The grid on which outputs of all functions are given.</summary>
    /// <returns>(N, d), float64</returns>
    public abstract Tensor Locations();

    /// <summary>Applies the operator.</summary>
    /// <param name="u">Input functions: points x (q) ↦ u(x) (q) or, for n functions, (n, q); x (n, q), each function's own, ↦ (n, q).
    /// So any elementwise function will do.</param>
    /// <returns>G(u) at <see cref="Locations"/>, (n, N), float64. Not finite where there is no solution.</returns>
    public abstract Tensor Solve(Func<Tensor, Tensor> u);

    /// <summary>Draws functions and applies the operator.</summary>
    /// <returns><c>u</c> (samples, m); on the common grid <c>y</c> (N, d) and <c>s</c> (samples, N), at random points
    /// <c>y</c> (samples, P, d) and <c>s</c> (samples, P)</returns>
    /// <inheritdoc/>
    public Dictionary<string, Tensor> Generate(long samples, long seed, IProgressDisplay? display = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(samples);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var line = (display ?? IProgressDisplay.None).Start($"{Name} data");
        using var functions = new Generator((ulong)seed);
        using var points = new Generator(~(ulong)seed); // of their own, so that they don't depend on how many functions are drawn at once
        var sensors = SensorLocations();
        var (u, y, s) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>());
        long made = 0;
        do
        {
            cancellation.ThrowIfCancellationRequested();
            using var part = NewDisposeScope();
            var features = Space.Sample(Math.Min(samples - made, Math.Max(1, NumbersAtOnce / NumbersPerFunction)), functions);
            Tensor Functions(Tensor x) => Space.Evaluate(features, x - Start);
            var (where, outputs) = PointsPerFunction is { } count ? SolveAtRandom(Functions, count, points) : (null, Solve(Functions));
            var solved = outputs.isfinite().all(1).nonzero().select(1, 0);
            Tensor Kept(Tensor t) => t.index_select(0, solved).to(DType).MoveToOuterDisposeScope();
            u.Add(Kept(Functions(sensors)));
            s.Add(Kept(outputs));
            if (where is not null) y.Add(Kept(where));
            made += solved.shape[0];
            line.Report(samples == 0 ? 1 : made / (double)samples);
        }
        while (made < samples);
        var locations = PointsPerFunction is null ? Locations().to(DType) : cat(y);
        return new() { ["u"] = cat(u).MoveToOuterDisposeScope(), ["y"] = locations.MoveToOuterDisposeScope(), ["s"] = cat(s).MoveToOuterDisposeScope() };
    }

    /// <summary>Draws functions and gives their outputs at random locations of their own.</summary>
    /// <param name="functions">Functions, ≥ 0.</param>
    /// <param name="pointsPerFunction">Locations of each, ≥ 1.</param>
    /// <param name="seed">Seed of functions and locations.</param>
    /// <returns>A dataset of functions × pointsPerFunction triples. Its tensors belong to the dispose scope that is open.</returns>
    public TripleDataset Triples(long functions, long pointsPerFunction, long seed) =>
        TripleDataset.FromGenerated((this with { PointsPerFunction = pointsPerFunction }).Generate(functions, seed));

    /// <summary>Draws functions and gives their outputs on the common grid.</summary>
    /// <param name="functions">Functions, ≥ 0.</param>
    /// <param name="seed">Seed of the functions; the same as those of <see cref="Triples"/> with that seed.</param>
    /// <returns>The dataset. Its tensors belong to the dispose scope that is open.</returns>
    public CartesianProductDataset CartesianProduct(long functions, long seed) =>
        CartesianProductDataset.FromGenerated((this with { PointsPerFunction = null }).Generate(functions, seed));

    /// <summary>Applies the operator and gives each function's output at locations of its own; by default different points of the
    /// grid.</summary>
    /// <param name="u">As in <see cref="Solve"/>.</param>
    /// <param name="points">Locations of each function.</param>
    /// <param name="generator">Source of randomness; each function takes the same share of it.</param>
    /// <returns>Locations (n, points, d) and outputs (n, points)</returns>
    /// <exception cref="ArgumentException">There are fewer points on the grid.</exception>
    protected virtual (Tensor Y, Tensor S) SolveAtRandom(Func<Tensor, Tensor> u, long points, Generator generator)
    {
        using var scope = NewDisposeScope();
        var locations = Locations();
        if (points > locations.shape[0])
            throw new ArgumentException($"Expected at most {locations.shape[0]}, the points of the grid, got {points}.", nameof(PointsPerFunction));
        var outputs = Solve(u);
        var chosen = empty([outputs.shape[0], points], dtype: ScalarType.Int64);
        for (long i = 0; i < chosen.shape[0]; i++)
        {
            using var function = NewDisposeScope();
            chosen.select(0, i).copy_(randperm(locations.shape[0], generator: generator).narrow(0, 0, points));
        }
        var y = locations.index_select(0, chosen.reshape(-1)).reshape(chosen.shape[0], points, locations.shape[1]);
        return (y.MoveToOuterDisposeScope(), outputs.gather(1, chosen).MoveToOuterDisposeScope());
    }

    /// <summary>Throws where a space doesn't fit the problem.</summary>
    /// <exception cref="ArgumentException">It doesn't.</exception>
    protected virtual void CheckSpace(FunctionSpace space) { }

    /// <summary>Values of input functions with the functions along the first axis, also for a single one.</summary>
    protected static Tensor Values(Func<Tensor, Tensor> u, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(u);
        var values = u(x).to(ScalarType.Float64);
        return values.dim() == 1 ? values.unsqueeze(0) : values;
    }
}
