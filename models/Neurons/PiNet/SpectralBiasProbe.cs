using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// Watches which frequencies of a target a network has learned: the residual's amplitude at each, 2 |FFT(r)_k| / N on a uniform grid over
/// one period, as a share of the target's. For any model.
/// </summary>
/// <remarks>Source: Choraria et al. 2022, experiments.</remarks>
public sealed class SpectralBiasProbe
{
    private readonly Tensor _target;
    private readonly double[] _whole;
    private readonly List<(long Step, double[] Shares)> _records = [];

    /// <summary>A probe of a target.</summary>
    /// <param name="target">Values on the grid, of any shape with N numbers; copied.</param>
    /// <param name="frequencies">Frequencies, from 1 to below N/2.</param>
    /// <exception cref="ArgumentException">There is no frequency, one is out of its range, or the target has nothing of it.</exception>
    public SpectralBiasProbe(Tensor target, params IReadOnlyList<int> frequencies)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(frequencies);
        if (frequencies.Count == 0) throw new ArgumentException("Expected at least one frequency", nameof(frequencies));
        foreach (var k in frequencies)
            if (k < 1 || 2 * k >= target.numel())
                throw new ArgumentOutOfRangeException(nameof(frequencies), k, $"must be from 1 to below half of {target.numel()} values");
        Frequencies = [.. frequencies];
        using var scope = NewDisposeScope();
        using var off = no_grad();
        _target = target.detach().to(ScalarType.Float64).cpu().flatten().clone().DetachFromDisposeScope();
        _whole = Amplitudes(_target);
        for (var i = 0; i < _whole.Length; i++)
            if (!(_whole[i] > 1e-12 * _whole.Max()))
                throw new ArgumentException($"The target has nothing of the frequency {Frequencies[i]}", nameof(target));
    }

    /// <summary>The frequencies that are watched.</summary>
    public IReadOnlyList<int> Frequencies { get; }

    /// <summary>The steps that were recorded.</summary>
    public IReadOnlyList<long> Steps => [.. _records.Select(r => r.Step)];

    /// <summary>Records what is left of each frequency.</summary>
    /// <param name="step">The training's step, above those recorded before.</param>
    /// <param name="prediction">As many values as the target has.</param>
    /// <returns>The residual's amplitudes.</returns>
    /// <exception cref="ArgumentException">Another number of values, or a step that isn't above the last.</exception>
    public IReadOnlyList<double> Record(long step, Tensor prediction)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        if (prediction.numel() != _target.numel())
            throw new ArgumentException($"Expected {_target.numel()} values, got {prediction.numel()}", nameof(prediction));
        if (_records.Count > 0 && step <= _records[^1].Step)
            throw new ArgumentOutOfRangeException(nameof(step), step, $"must be above {_records[^1].Step}, the last one recorded");
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var residual = Amplitudes(_target - prediction.detach().to(ScalarType.Float64).cpu().flatten());
        _records.Add((step, [.. residual.Zip(_whole, (r, w) => r / w)]));
        return residual;
    }

    /// <summary>What was left of a frequency at each of <see cref="Steps"/>, as a share of the target's.</summary>
    /// <param name="frequency">One of <see cref="Frequencies"/>.</param>
    /// <exception cref="ArgumentException">It isn't watched.</exception>
    public IReadOnlyList<double> Shares(int frequency)
    {
        var index = Frequencies.ToList().IndexOf(frequency);
        if (index < 0)
            throw new ArgumentException($"Expected one of {string.Join(", ", Frequencies)}, got {frequency}", nameof(frequency));
        return [.. _records.Select(r => r.Shares[index])];
    }

    /// <summary>For each frequency the first step recorded at which less is left of it than a share of the target's; null: none.</summary>
    /// <param name="share">The share, above 0.</param>
    /// <param name="andStays">Whether it has to be less from there on, too.</param>
    /// <exception cref="ArgumentOutOfRangeException">The share isn't positive.</exception>
    public IReadOnlyList<long?> FirstStepBelow(double share = 0.2, bool andStays = true)
    {
        if (!(share > 0)) throw new ArgumentOutOfRangeException(nameof(share), share, "must be positive");
        return [.. Enumerable.Range(0, Frequencies.Count).Select(First)];

        long? First(int index)
        {
            long? first = null;
            foreach (var (step, shares) in _records)
            {
                if (shares[index] < share) first ??= step;
                else if (andStays) first = null;
                if (first is not null && !andStays) return first;
            }
            return first;
        }
    }

    private double[] Amplitudes(Tensor values)
    {
        var all = (fft.rfft(values).abs() * (2.0 / values.numel())).data<double>();
        return [.. Frequencies.Select(k => all[k])];
    }
}
