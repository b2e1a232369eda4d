namespace TorchZoo.Data.Events;

/// <summary>How the pixels of a DVS128 in a recording of AEDAT 2 lie: its addresses say nothing about it.</summary>
public enum AedatOrientation
{
    /// <summary>As CIFAR10-DVS is read, its pictures upright: the address's y, counted from the right, is the column, and its x, counted
    /// from the bottom, the row.</summary>
    Cifar10Dvs,

    /// <summary>As jAER shows it: the address's x, counted from the right, is the column, and its y, counted from the bottom, the
    /// row.</summary>
    Jaer,
}
