using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Spiking;

/// <summary>
/// A network of spiking neurons that classifies: <see cref="Step"/> is one time step; <c>call</c> runs all of them on fresh neurons.
/// </summary>
public abstract class SpikingNetwork : Module<Tensor, Tensor>
{
    private protected SpikingNetwork(string name, int timeSteps) : base(name)
    {
        if (timeSteps < 1) throw new ArgumentOutOfRangeException(nameof(timeSteps), timeSteps, "expected at least one time step");
        TimeSteps = timeSteps;
    }

    /// <summary>T, the time steps that an image is shown for.</summary>
    public int TimeSteps { get; }

    /// <summary>Outputs of one time step; the neurons' potentials go on.</summary>
    /// <param name="frame">(batch, channels, height, width): real numbers, spikes or counts of events.</param>
    /// <returns>(batch, classes): what the last, linear layer makes of this step's spikes.</returns>
    public abstract Tensor Step(Tensor frame);

    /// <summary>Outputs of all time steps on average.</summary>
    /// <param name="input">An image (batch, channels, height, width), which is shown in each of the <see cref="TimeSteps"/>; or frames
    /// (batch, time, channels, height, width), a step each.</param>
    /// <returns>(batch, classes)</returns>
    /// <exception cref="ArgumentException">Another number of axes, or no frames.</exception>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.dim() is not (4 or 5) || input.dim() == 5 && input.shape[1] == 0)
            throw new ArgumentException("expected (batch, channels, height, width), or frames (batch, time, channels, height, width), got "
                + $"({string.Join(", ", input.shape)})", nameof(input));
        using var scope = NewDisposeScope();
        SpikingModules.ResetState(this);
        var steps = input.dim() == 5 ? input.shape[1] : TimeSteps;
        Tensor? total = null;
        for (var t = 0L; t < steps; t++)
        {
            var output = Step(input.dim() == 5 ? input.select(1, t) : input);
            total = total is null ? output : total + output;
        }
        SpikingModules.ResetState(this);
        return (total! / steps).MoveToOuterDisposeScope();
    }
}
