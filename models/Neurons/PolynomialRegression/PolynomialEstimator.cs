using System.Diagnostics.CodeAnalysis;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>What fits a polynomial to data.</summary>
public abstract class PolynomialEstimator : IDisposable
{
    private PolynomialRegression? _model;

    private protected PolynomialEstimator(PolynomialOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options.Checked();
    }

    /// <summary>How it fits.</summary>
    public PolynomialOptions Options { get; }

    /// <summary>The fitted polynomial, a module: it can be trained further and is what a checkpoint holds.</summary>
    /// <exception cref="InvalidOperationException">Nothing was fitted yet.</exception>
    public PolynomialRegression Model => _model ?? throw new InvalidOperationException("Nothing was fitted yet");

    /// <summary>The monomials with the largest coefficients.</summary>
    /// <param name="top">How many at most.</param>
    /// <param name="output">Of which output.</param>
    /// <param name="columns">Names of the columns; null: x0, x1, …</param>
    /// <returns>Largest absolute values first, without the intercept; of standardised columns, if these are.</returns>
    /// <exception cref="InvalidOperationException">Nothing was fitted yet.</exception>
    /// <exception cref="ArgumentException">There is no such output, or there aren't as many names as columns.</exception>
    public IReadOnlyList<(string Name, double Coefficient)> Terms(int top, int output = 0, IReadOnlyList<string>? columns = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(top);
        var model = Model;
        if (output < 0 || output >= model.Config.OutFeatures)
            throw new ArgumentOutOfRangeException(nameof(output), output, $"There are {model.Config.OutFeatures} outputs");
        using var scope = NewDisposeScope();
        var values = model.Coefficients.detach().select(1, output)[1..].to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
        return [.. model.Features.NamesOf(columns).Zip(values).OrderByDescending(t => Math.Abs(t.Second)).Take(top)];
    }

    /// <summary>Frees the polynomial.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "There is nothing to finalise.")]
    public void Dispose() => _model?.Dispose();

    private protected void Use(PolynomialRegression model)
    {
        _model?.Dispose();
        _model = model;
    }

    private protected Tensor Outputs(Tensor x)
    {
        using var off = no_grad();
        return Model.call(x);
    }
}
