namespace TorchZoo.Models.Spiking;

/// <summary>A module with a state that goes on from one time step to the next.</summary>
public interface ISpikingModule
{
    /// <summary>Forgets the state: the next step is the first one of new inputs.</summary>
    void ResetState();
}
