using TorchZoo.Data.FunctionSpaces;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>
/// Advection and diffusion s_t + v s_x − D s_xx = 0 on [0, 1], periodic, s(x, 0) = V(sin² πx). Lu et al., "DeepONet" (2019), supplement. Solved
/// exactly in Fourier space.
/// </summary>
public sealed record AdvectionDiffusion : SpaceTimeProblem
{
    private const long LeastFourierPoints = 256;

    /// <inheritdoc/>
    public override string Name => "advection-diffusion";

    /// <summary>Velocity v.</summary>
    /// <exception cref="ArgumentException">Set to a number that is not finite.</exception>
    public double Velocity
    {
        get;
        init => field = Settings.Finite(value, nameof(Velocity));
    } = 1;

    /// <summary>Diffusivity D ≥ 0.</summary>
    /// <exception cref="ArgumentException">Set to another number.</exception>
    public double Diffusivity
    {
        get;
        init => field = Settings.NotNegative(value, nameof(Diffusivity));
    } = 0.1;

    /// <inheritdoc/>
    protected override long NumbersPerFunction => Times * FourierPoints;

    // A multiple of the grid's cells, so that the grid is part of it.
    private long Refinement => (LeastFourierPoints + Nodes - 2) / (Nodes - 1);
    private long FourierPoints => (Nodes - 1) * Refinement;

    /// <inheritdoc/>
    protected override void CheckSpace(FunctionSpace space)
    {
        if (space.Length != 1) throw new ArgumentException($"Expected functions on [0, 1], got [0, {space.Length}].", nameof(Space));
    }

    /// <inheritdoc/>
    protected override Tensor SolveOnGrid(Func<Tensor, Tensor> u)
    {
        var (size, ts) = (FourierPoints, Ts().unsqueeze(1));
        var initial = Values(u, (arange(0, size, dtype: ScalarType.Float64) * (Math.PI / size)).sin().square());
        var k = Spectral.Wavenumbers(size, half: true).mul_(2 * Math.PI);
        var phase = Spectral.Wavenumbers(size, half: true, nyquist: false).mul_(2 * Math.PI) * (ts * -Velocity);
        var factor = polar((k.square() * (ts * -Diffusivity)).exp(), phase);
        var states = fft.irfft(fft.rfft(initial).unsqueeze(1) * factor, size).slice(2, 0, size, Refinement);
        return cat([states, states.narrow(2, 0, 1)], 2);
    }
}
